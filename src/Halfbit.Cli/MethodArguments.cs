using System.CommandLine;
using Halfbit.Packing;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>The options that choose and shape a method, shared by every command that quantizes.</summary>
internal sealed class MethodArguments
{
    private readonly Option<string> method = new("--method") { Description = "Method: " + string.Join(", ", MethodCatalog.All.Select(m => m.Name)), HelpName = "NAME", Required = true };
    private readonly Option<bool> noCompensation = new("--no-compensation") { Description = "No error feedback (off already for rtn, xnor, sign)" };
    private readonly Option<bool> compensation = new("--compensation") { Description = "Error feedback for xnor and sign" };
    private readonly Option<bool> symmetric = new("--symmetric") { Description = "rtn, gptq: grid symmetric around zero" };
    private readonly Option<string>[] valued =
    [
        Valued("--group-size", "N", "Columns that share scales, -1 for the whole row (default: 128; pb-llm, xnor, sign: -1)"),
        Valued("--block-size", "N", "Columns between two steps of error feedback; speed only, but for gptq --variant released (default: 128); billm, stbllm, arb-llm: the group size"),
        Valued("--damping", "X", "Share of mean(diag H) added to the diagonal (default: 0.01)"),
        Valued("--variant", "V", "default; released: what the authors' program does (not rtn, xnor, sign); strict: true bits near the paper's count (pb-llm, billm, stbllm, arb-llm)"),
        Valued("--bits", "B", "rtn, gptq: bits per weight, 1 to 8 (default: 2)"),
        Valued("--salient", "F", "pb-llm: share of weights kept at high precision (default: 0.1)"),
        Valued("--low-frac", "F", "pb-llm: the same as the authors' program takes it, 1 - salient"),
        Valued("--salience", "M", "What makes weights salient: hessian (pb-llm's default), magnitude; billm, stbllm, arb-llm: auto (default) takes the better of both"),
        Valued("--salient-bits", "B", "pb-llm: bits of a salient weight (default: 8)"),
        Valued("--keep", "N:M", "stbllm: weights kept of every M (default: 4:8; the authors' scripts count the pruned ones)"),
        Valued("--importance", "I", "stbllm: which weights are kept: error (default; what leaving them out costs), si (the paper's), ria (the program's), magnitude"),
        Valued("--adaptive", "on|off", "stbllm: blocks with more outliers keep more, N:M being the average (default: off, released: on; needs a pass over the original model)"),
        Valued("--refine", "R", "arb-llm: arb-rc (default), arb-x, arb, or none"),
        Valued("--column-group-bitmap", "on|off", "arb-llm: salient columns are split into groups too (default: on)"),
        Valued("--partitions", "N", "arb-llm: splits of each kind of column, 1 to 3 (default: 1)"),
        Valued("--iterations", "N", "arb-llm: rounds of refinement (default: 15; not with --feedback columns)"),
        Valued("--search", "S", "billm, stbllm, arb-llm: the searches compare weights (default) or scores"),
        Valued("--feedback", "F", "billm, stbllm, arb-llm: how a block's error is carried over: inside the block too (columns, default), from block to block exactly (exact) or by the diagonal rule (diagonal)"),
        Valued("--fit", "F", "billm, stbllm, arb-llm: levels fitted to weights by their sensitivity (default) or plain, all alike"),
        Valued("--means", "on|off", "billm, stbllm, arb-llm: groups have means beside their scales (default: off, released: on)"),
        Valued("--salient-columns", "N", "billm, stbllm, arb-llm: most salient columns of a block (default: 49; strict: 4, 0, 0)"),
        Valued("--groups", "N", "billm, stbllm, arb-llm: groups of the weights outside salient columns (default: 2, 3, 2; strict: 1)"),
        Valued("--scale-bits", "B", "billm, stbllm, arb-llm: bits of a stored row scale, 8 (default) or 16 (released)"),
        Valued("--salient-unit", "U", "pb-llm: single weights are salient (weight, default), or whole columns (column; strict)"),
        Valued("--bits-budget", "B", "billm, stbllm, arb-llm: choose each layer's settings for B true bits per weight over the model"),
        Valued("--low", "CODE", "pb-llm: code of the other weights: xnor (default), sign, 2bit, 4bit, prune, none"),
    ];

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(method);
        foreach (Option<string> option in valued) command.Add(option);
        command.Add(noCompensation);
        command.Add(compensation);
        command.Add(symmetric);
    }

    /// <summary>Makes the method that the command line describes.</summary>
    /// <exception cref="OptionException">A name or value is wrong.</exception>
    public IQuantizationMethod Create(ParseResult parsed)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (Option<string> option in valued)
        {
            if (parsed.GetValue(option) is string value) options[option.Name[2..]] = value;
        }

        if (parsed.GetValue(compensation)) options["compensation"] = "on";
        if (parsed.GetValue(noCompensation)) options["compensation"] = "off";
        if (parsed.GetValue(symmetric)) options["symmetric"] = "on";
        return MethodCatalog.Create(parsed.GetValue(method)!, options, matrix => Packer.Pack(matrix).Length);
    }

    private static Option<string> Valued(string name, string helpName, string description)
        => new(name) { Description = description, HelpName = helpName };
}
