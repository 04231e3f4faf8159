using System.CommandLine;
using Halfbit.Evaluation;

namespace Halfbit.Cli;

/// <summary>The options that say what perplexity is measured on, shared by every command that measures it.</summary>
internal sealed class PerplexityArguments(bool isRequired)
{
    private readonly Option<string[]> files = new("--perplexity") { Description = "Text files (UTF-8) to measure perplexity on", HelpName = "FILE", AllowMultipleArgumentsPerToken = true, Required = isRequired };
    private readonly Option<int?> window = new("--window") { Description = "Tokens per window (default: the model's context, at most 2048)", HelpName = "N" };
    private readonly Option<int?> limit = new("--tokens-limit") { Description = "Use only the first N tokens of each file", HelpName = "N" };

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[files, window, limit]) command.Add(option);
    }

    /// <summary>The files.</summary>
    public string[] Files(ParseResult parsed) => parsed.GetValue(files) ?? [];

    /// <summary>Window and limit.</summary>
    public PerplexityOptions Options(ParseResult parsed) => new()
    {
        Window = parsed.GetValue(window) is int w ? SharedOptions.AtLeast("--window", w, 2) : null,
        TokensLimit = parsed.GetValue(limit) is int n ? SharedOptions.AtLeast("--tokens-limit", n, 2) : null,
    };
}
