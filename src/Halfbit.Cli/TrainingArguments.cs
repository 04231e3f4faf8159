using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Quantization;
using Halfbit.Training;

namespace Halfbit.Cli;

/// <summary>The options that say how a model is trained, shared by the commands that train.</summary>
internal sealed class TrainingArguments(double learningRate)
{
    private readonly Option<string[]> data = new("--data") { Description = "UTF-8 text files to train on", HelpName = "FILE", AllowMultipleArgumentsPerToken = true, Required = true };
    private readonly Option<int> steps = new("--steps") { Description = "Updates of the weights", HelpName = "N", Required = true };
    private readonly Option<double> rate = new("--lr") { Description = FormattableString.Invariant($"Largest learning rate (default: {learningRate})"), HelpName = "X", DefaultValueFactory = _ => learningRate };
    private readonly Option<int> batch = new("--batch") { Description = "Sequences per update (default: 8)", HelpName = "N", DefaultValueFactory = _ => 8 };
    private readonly Option<int?> microBatch = new("--micro-batch") { Description = "Sequences that pass at once; gradients add up to --batch (default: what makes 4096 tokens)", HelpName = "N" };
    private readonly Option<int?> length = new("--seq-len") { Description = "Tokens per sequence (default: 512, at most the context)", HelpName = "N" };
    private readonly Option<double> warmUp = new("--warmup") { Description = "Share of the steps in which the learning rate rises; then it falls along a cosine (default: 0.05)", HelpName = "X", DefaultValueFactory = _ => 0.05 };
    private readonly Option<double> floor = new("--lr-floor") { Description = "Last learning rate as a share of --lr (default: 0)", HelpName = "X" };
    private readonly Option<double> decay = new("--weight-decay") { Description = "Decoupled weight decay of AdamW (default: 0)", HelpName = "X" };
    private readonly Option<double> clip = new("--clip") { Description = "Largest norm of all gradients (default: 1)", HelpName = "X", DefaultValueFactory = _ => 1 };
    private readonly Option<long> seed = new("--seed") { Description = "Seed of the order of the text (default: 0)", HelpName = "N" };
    private readonly Option<string?> evaluation = new("--eval") { Description = "Text to measure perplexity on, on the way and at the end", HelpName = "FILE" };
    private readonly Option<int?> every = new("--eval-every") { Description = "Steps between two measurements (default: a tenth of --steps)", HelpName = "N" };
    private readonly Option<int> tokens = new("--eval-tokens") { Description = "Tokens measured on the way; at the end it is the whole text (default: 20000)", HelpName = "N", DefaultValueFactory = _ => 20_000 };
    private readonly Option<int?> window = new("--eval-window") { Description = "Tokens per window of the evaluation (default: --seq-len)", HelpName = "N" };
    private readonly Option<double> save = new("--save-seconds") { Description = "Seconds between two saved states (default: 300)", HelpName = "X", DefaultValueFactory = _ => 300 };

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[data, steps, rate, batch, microBatch, length, warmUp, floor, decay, clip, seed, evaluation, every, tokens, window, save]) command.Add(option);
    }

    /// <summary>What was asked for.</summary>
    public TrainingOptions Options(ParseResult parsed) => new()
    {
        Data = parsed.GetValue(data)!,
        Steps = SharedOptions.AtLeast("--steps", parsed.GetValue(steps), 1),
        LearningRate = parsed.GetValue(rate),
        Batch = SharedOptions.AtLeast("--batch", parsed.GetValue(batch), 1),
        MicroBatch = parsed.GetValue(microBatch),
        SequenceLength = parsed.GetValue(length),
        WarmUp = parsed.GetValue(warmUp),
        Floor = parsed.GetValue(floor),
        WeightDecay = parsed.GetValue(decay),
        Clip = parsed.GetValue(clip),
        Seed = parsed.GetValue(seed),
        EvaluationFile = parsed.GetValue(evaluation),
        EvaluateEvery = parsed.GetValue(every),
        EvaluationTokens = parsed.GetValue(tokens),
        EvaluationWindow = parsed.GetValue(window),
        SaveSeconds = parsed.GetValue(save),
    };

    /// <summary>A value out of its range is wrong usage.</summary>
    /// <param name="validate">Checks all values.</param>
    /// <exception cref="OptionException">One is out of range.</exception>
    public static void Check(Action validate)
    {
        try
        {
            validate();
        }
        catch (TrainingException exception)
        {
            throw new OptionException(exception.Message, exception);
        }
    }

    /// <summary>Runs a job under a progress line.</summary>
    /// <param name="output">Where it writes.</param>
    /// <param name="job">The job, told whom to show its steps.</param>
    public static TrainingReport Run(string output, Func<Action<TrainingProgress>, TrainingReport> job)
    {
        using var progress = new TrainingProgressPrinter();
        Interruption.SavesState = true;
        try
        {
            return job(progress.Show);
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException($"interrupted; the state is kept in {Path.TrimEndingDirectorySeparator(output)}.partial, the same command with --resume goes on from there", exception);
        }
    }

    /// <summary>The report for programs.</summary>
    public static JsonObject ToJson(string output, TrainingReport report)
    {
        var json = new JsonObject
        {
            ["output"] = output,
            ["steps"] = report.Steps,
            ["tokens"] = report.Tokens,
            ["bytes"] = report.Bytes,
            ["seconds"] = report.Seconds,
            ["peakMemoryBytes"] = report.PeakMemoryBytes,
        };
        if (report.Perplexity is double perplexity) json["perplexity"] = JsonOutput.Number(perplexity);
        if (report.Layers.Count == 0) return json;
        json["trueBits"] = report.TrueBits;
        json["layers"] = LayerJson.Of(report.Layers);
        return json;
    }

    /// <summary>The report for people.</summary>
    public static void Print(string output, string what, TrainingOptions options, TrainingReport report)
    {
        Console.WriteLine(FormattableString.Invariant($"{output}: {what} for {report.Steps} steps on {report.Tokens:N0} tokens"));
        if (report.Layers.Count > 0) Console.WriteLine(FormattableString.Invariant($"bits per weight     {report.TrueBits:F3} true"));
        Console.WriteLine(FormattableString.Invariant($"weights files       {report.Bytes / 1e6:F1} MB"));
        if (report.Perplexity is double perplexity) Console.WriteLine(FormattableString.Invariant($"perplexity          {perplexity:F4} ({options.EvaluationFile})"));
        Console.WriteLine(FormattableString.Invariant($"time, peak memory   {report.Seconds:F1} s, {report.PeakMemoryBytes / 1e6:F0} MB"));
    }
}
