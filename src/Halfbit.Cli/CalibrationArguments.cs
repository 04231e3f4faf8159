using System.CommandLine;

namespace Halfbit.Cli;

/// <summary>The options that say what a job is calibrated on, shared by every command that runs jobs.</summary>
internal sealed class CalibrationArguments
{
    private readonly Option<string?> file = new("--calibration") { Description = "Text file to calibrate on (default: text that the original model generates)", HelpName = "FILE" };
    private readonly Option<int> samples = new("--samples") { Description = "Calibration sequences", HelpName = "N", DefaultValueFactory = _ => 128 };
    private readonly Option<int?> sequenceLength = new("--seq-len") { Description = "Tokens per calibration sequence (default: 2048, or the model's context if shorter)", HelpName = "N" };
    private readonly Option<long> seed = SharedOptions.Seed();

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[file, samples, sequenceLength, seed]) command.Add(option);
    }

    /// <summary>The text file, or null.</summary>
    public string? File(ParseResult parsed) => parsed.GetValue(file);

    /// <summary>Number of sequences.</summary>
    public int Samples(ParseResult parsed) => SharedOptions.AtMost("--samples", SharedOptions.AtLeast("--samples", parsed.GetValue(samples), 1), 1 << 20);

    /// <summary>Tokens per sequence, or null for the default.</summary>
    public int? SequenceLength(ParseResult parsed) => parsed.GetValue(sequenceLength) is int length ? SharedOptions.AtLeast("--seq-len", length, 2) : null;

    /// <summary>The seed.</summary>
    public long Seed(ParseResult parsed) => SharedOptions.AtMost("--seed", SharedOptions.AtLeast("--seed", parsed.GetValue(seed), 0), 1L << 40);
}
