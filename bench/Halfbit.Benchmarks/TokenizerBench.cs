using System.Diagnostics;
using System.Globalization;
using System.Text;
using Halfbit.Tokenization;

namespace Halfbit.Benchmarks;

/// <summary>Encoding speed on one core: ordinary text, and lines without spaces at two lengths, where time per byte should stay the same.</summary>
internal static class TokenizerBench
{
    private const int Repetitions = 5;

    /// <summary>Arguments: model folder, text file; prints one row per text.</summary>
    public static int Run(string[] args)
    {
        if (args.Length != 2)
        {
            Console.Error.WriteLine("usage: tokenizer MODEL-FOLDER TEXT-FILE");
            return 2;
        }

        Tokenizer tokenizer = Tokenizer.Load(args[0]);
        string text = File.ReadAllText(args[1]);
        if (tokenizer.Decode(tokenizer.Encode(text)) != text)
        {
            Console.Error.WriteLine("decoding does not give the text back");
            return 1;
        }

        Console.WriteLine("text                          bytes      tokens   MB/s (best)   MB/s (new tokenizer)");
        Measure(args[0], Path.GetFileName(args[1]), text);
        foreach (int length in new[] { 100_000, 1_000_000, 10_000_000 })
        {
            Measure(args[0], "'a' repeated", new string('a', length));
            Measure(args[0], "'=' repeated", new string('=', length));
            Measure(args[0], "spaces", new string(' ', length));
            Measure(args[0], "random letters", RandomText(length, 'a', 26));
            Measure(args[0], "random Han", RandomText(length / 3, '\u4E00', 20_000));
        }

        return 0;
    }

    private static void Measure(string folder, string name, string text)
    {
        double bytes = Encoding.UTF8.GetByteCount(text);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        double first = Seconds(tokenizer, text, out int tokens);
        double best = first;
        for (int i = 1; i < (bytes < 5e6 ? Repetitions : 2); i++) best = Math.Min(best, Seconds(tokenizer, text, out _));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-24} {bytes,10:f0} {tokens,11} {bytes / best / 1e6,13:f1} {bytes / first / 1e6,21:f1}"));
    }

    private static double Seconds(Tokenizer tokenizer, string text, out int tokens)
    {
        long start = Stopwatch.GetTimestamp();
        tokens = tokenizer.Encode(text).Length;
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string RandomText(int length, char first, int count)
    {
        var random = new Random(1);
        return string.Create(length, random, (characters, source) =>
        {
            for (int i = 0; i < characters.Length; i++) characters[i] = (char)(first + source.Next(count));
        });
    }
}
