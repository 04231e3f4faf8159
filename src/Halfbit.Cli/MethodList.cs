using System.CommandLine;
using System.CommandLine.Parsing;
using Halfbit.Quantization;
using Halfbit.Reports;

namespace Halfbit.Cli;

/// <summary>
/// Several methods from the command line or a file: entries separated by semicolons, each a method's name with its options as 'halfbit quantize' takes them,
/// optionally after a label and an equals sign; bare names can be separated by commas.
/// </summary>
internal static class MethodList
{
    /// <summary>Methods from --methods and --methods-file, in that order.</summary>
    /// <param name="lists">Values of --methods.</param>
    /// <param name="file">Value of --methods-file, or null: one entry per line, lines that begin with # are comments.</param>
    /// <exception cref="OptionException">An entry is wrong, two have one name, or there is none.</exception>
    /// <exception cref="InputException">The file cannot be read.</exception>
    public static IReadOnlyList<Contestant> Parse(IEnumerable<string> lists, string? file)
    {
        var entries = new List<(string Place, string Text)>();
        foreach (string list in lists)
        {
            foreach (string part in list.Split([';', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                entries.AddRange(BareNames(part).Select(entry => ("--methods", entry)));
        }

        if (file is not null)
        {
            string[] lines = TextInput.Read(file).Split('\n');
            for (int i = 0; i < lines.Length; i++)
            {
                string line = lines[i].Trim();
                if (line.Length > 0 && line[0] != '#') entries.AddRange(BareNames(line).Select(entry => ($"{file}:{i + 1}", entry)));
            }
        }

        if (entries.Count == 0) throw new OptionException("no methods to compare; name some with --methods \"rtn --bits 2; pb-llm --salient 0.1\", or one per line in a file with --methods-file");
        var names = new HashSet<string>(StringComparer.Ordinal) { Comparison.OriginalName };
        var contestants = new List<Contestant>();
        foreach ((string place, string text) in entries)
        {
            Contestant contestant = Parse(place, text);
            if (!names.Add(contestant.Name)) throw new OptionException($"{place}: '{text}' is the second model called '{contestant.Name}'; give it a label of its own, as in \"another = {contestant.Method.Name}\"");
            contestants.Add(contestant);
        }

        return contestants;
    }

    /// <summary>An entry without label and options is a list of names.</summary>
    private static string[] BareNames(string entry)
        => entry.Contains('=', StringComparison.Ordinal) || entry.Contains('-') && entry.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Any(w => w.StartsWith('-'))
            ? [entry]
            : entry.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Contestant Parse(string place, string entry)
    {
        (string? label, string text) = Label(entry);
        string[] words = [.. CommandLineParser.SplitCommandLine(text)];
        if (label?.Length == 0) throw Wrong("the label before '=' is empty");
        if (words.Length == 0 || words[0].StartsWith('-')) throw Wrong("does not begin with the name of a method");
        var arguments = new MethodArguments();
        var command = new Command("method");
        arguments.AddTo(command);
        ParseResult parsed = command.Parse(["--method", .. words], new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0) throw Wrong(parsed.Errors[0].Message.TrimEnd('.'));
        try
        {
            return new Contestant(label ?? string.Join(' ', words), arguments.Create(parsed));
        }
        catch (OptionException exception)
        {
            throw Wrong(exception.Message);
        }

        OptionException Wrong(string what) => new($"{place}: '{entry}': {what}"
            + (entry.Contains(',', StringComparison.Ordinal) ? "; entries with options are separated by semicolons" : string.Empty));
    }

    /// <summary>What stands before the first equals sign, unless that is part of an option such as --bits=2.</summary>
    private static (string? Label, string Text) Label(string entry)
    {
        int equals = entry.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || entry[..equals].Split((char[]?)null).Any(w => w.StartsWith("--", StringComparison.Ordinal))) return (null, entry);
        return (string.Join(' ', entry[..equals].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), entry[(equals + 1)..].Trim());
    }
}
