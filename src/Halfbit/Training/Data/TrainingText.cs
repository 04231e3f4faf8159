using System.Security.Cryptography;
using System.Text;
using Halfbit.Numerics;
using Halfbit.Tokenization;

namespace Halfbit.Training;

/// <summary>A training text as token ids, cut into windows that come in a seeded order: how many were drawn says which come next.</summary>
/// <remarks>
/// Window k reads tokens [k·length, (k + 1)·length) and predicts each one's successor, so all tokens but the first are predicted once in an epoch; what does not fill a window is left out.
/// </remarks>
internal sealed class TrainingText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly int[] tokens;
    private readonly long seed;

    /// <summary>A text.</summary>
    /// <param name="tokens">The whole text.</param>
    /// <param name="length">Tokens per window, ≥ 1.</param>
    /// <param name="batch">Windows per batch, ≥ 1; the text must have at least so many.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="source">Name of the text, for messages.</param>
    /// <exception cref="TrainingException">The text has fewer tokens than one batch.</exception>
    public TrainingText(int[] tokens, int length, int batch, long seed, string source)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        long needed = ((long)length * batch) + 1;
        if (tokens.Length < needed)
        {
            throw new TrainingException($"{source}: the training text holds {tokens.Length} tokens, a batch of {batch} sequences of {length} needs {needed}; "
                + "use a longer text, a smaller batch or a smaller --seq-len");
        }

        this.tokens = tokens;
        this.seed = seed;
        Length = length;
        Windows = (tokens.Length - 1) / length;
    }

    /// <summary>Tokens per window.</summary>
    public int Length { get; }

    /// <summary>Windows of an epoch.</summary>
    public int Windows { get; }

    /// <summary>Tokens of the text.</summary>
    public int Tokens => tokens.Length;

    /// <summary>SHA-256 of all ids as little-endian 32-bit integers, lower-case hexadecimal: what makes two texts the same.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(ElementBytes.Of(tokens.AsSpan())));

    /// <summary>Reads and joins text files.</summary>
    /// <param name="paths">UTF-8 files, at least one.</param>
    /// <param name="tokenizer">Tokenizer of the model.</param>
    /// <returns>
    /// The ids of all files one after the other, each with the special tokens that the checkpoint's tokenizer puts around a text. Where it puts none between two files,
    /// its end-of-text token parts them, if it has one.
    /// </returns>
    /// <exception cref="TrainingException">A file cannot be read, is empty or is not UTF-8.</exception>
    public static int[] Read(IReadOnlyList<string> paths, Tokenizer tokenizer)
    {
        var all = new List<int>();
        foreach (string path in paths)
        {
            int[] ids = tokenizer.Encode(ReadText(path));
            bool isParted = all.Count == 0 || ids.Length == 0 || tokenizer.IsSpecial(all[^1]) || tokenizer.IsSpecial(ids[0]);
            if (!isParted && tokenizer.EosId is int eos) all.Add(eos);
            all.AddRange(ids);
        }

        return [.. all];
    }

    /// <summary>Writes the sequences from a position on, one after the other.</summary>
    /// <param name="position">Sequences drawn before, ≥ 0; past the last window of an epoch the next epoch begins, in another order.</param>
    /// <param name="inputs">[sequences·length], receives token ids.</param>
    /// <param name="targets">[sequences·length], receives each token's successor.</param>
    public void Draw(long position, Span<int> inputs, Span<int> targets)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        if (inputs.Length != targets.Length || inputs.Length % Length != 0)
            throw new ArgumentException($"{inputs.Length} inputs and {targets.Length} targets are not whole sequences of {Length}", nameof(inputs));
        for (int at = 0; at < inputs.Length; at += Length, position++)
        {
            int start = WindowAt(position) * Length;
            tokens.AsSpan(start, Length).CopyTo(inputs[at..]);
            tokens.AsSpan(start + 1, Length).CopyTo(targets[at..]);
        }
    }

    /// <summary>The window that is drawn at a position.</summary>
    public int WindowAt(long position) => (int)new SeededOrder(seed, position / Windows, Windows)[position % Windows];

    /// <summary>A whole file: no newline translation, nothing left out.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it is, for messages.</param>
    /// <exception cref="TrainingException">It cannot be read, is empty or is not UTF-8.</exception>
    internal static string ReadText(string path, string what = "training text")
    {
        string text;
        try
        {
            text = Strict.GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException exception)
        {
            throw new TrainingException($"{path}: the {what} is not valid UTF-8 at byte {exception.Index}; convert it to UTF-8", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"{path}: the {what} cannot be read ({exception.Message}); name a UTF-8 text file", exception);
        }

        return text.Length > 0 ? text : throw new TrainingException($"{path}: the {what} is empty; name a UTF-8 text file");
    }
}
