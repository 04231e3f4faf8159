using System.CommandLine;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>Options that many commands have.</summary>
internal static class SharedOptions
{
    /// <summary>What MODEL may be.</summary>
    public const string ModelDescription = "Folder in Hugging Face layout, or one that 'halfbit quantize' or 'halfbit convert' wrote";

    /// <summary>--json.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON document on standard output and nothing else there" };

    /// <summary>--exact.</summary>
    public static Option<bool> Exact() => new("--exact") { Description = "Packed weights meet activations in single precision; else these are rounded to 8 bits per 128 columns, which is faster" };

    /// <summary>What <see cref="Exact"/> says.</summary>
    public static ActivationPrecision Precision(bool isExact) => isExact ? ActivationPrecision.Exact : ActivationPrecision.EightBits;

    /// <summary>--threads.</summary>
    public static Option<int?> Threads() => new("--threads") { Description = "Threads (default: all processors)", HelpName = "N" };

    /// <summary>--seed.</summary>
    public static Option<long> Seed() => new("--seed") { Description = "Seed of all random choices", HelpName = "N", DefaultValueFactory = _ => 0 };

    /// <summary>MODEL.</summary>
    public static Argument<string> Model() => new("MODEL") { Description = ModelDescription };

    /// <summary>Applies --threads.</summary>
    /// <exception cref="OptionException">Not a positive number.</exception>
    public static void ApplyThreads(int? threads)
    {
        if (threads is null) return;
        if (threads < 1) throw new OptionException($"--threads is {threads}, expected at least 1");
        RowParallel.Threads = threads.Value;
    }

    /// <summary>Refuses a number below its lowest value.</summary>
    public static T AtLeast<T>(string option, T value, T lowest)
        where T : IComparable<T>
        => value.CompareTo(lowest) >= 0 ? value : throw new OptionException($"{option} is {value}, expected at least {lowest}");

    /// <summary>Refuses a number above its highest value.</summary>
    public static T AtMost<T>(string option, T value, T highest)
        where T : IComparable<T>
        => value.CompareTo(highest) <= 0 ? value : throw new OptionException($"{option} is {value}, expected at most {highest}");

    /// <summary>Refuses a file that cannot be written at the end: it shall not cost hours first.</summary>
    /// <exception cref="OptionException">It is a folder.</exception>
    /// <exception cref="InputException">Its folder is not there.</exception>
    public static void CheckPlace(string option, string file)
    {
        if (Directory.Exists(file)) throw new OptionException($"{option} {file} is a folder, expected a file to write");
        string? folder = Path.GetDirectoryName(Path.GetFullPath(file));
        if (folder is null || !Directory.Exists(folder)) throw new InputException($"{folder}: no such folder; make it before {file} can be written there ({option})");
    }

    /// <summary>Appends an example to a command's description.</summary>
    public static string WithExample(string description, string example) => $"{description}\n\nExample:\n  {example}";
}
