using System.Buffers.Binary;
using System.Security.Cryptography;
using Halfbit.Numerics;

namespace Halfbit.Calibration;

/// <summary>Token sequences whose activations tell a method which weights matter.</summary>
/// <param name="Sequences">Sequences of equal length, token ids.</param>
/// <param name="Source">Where they come from, in words.</param>
public sealed record CalibrationSet(IReadOnlyList<int[]> Sequences, string Source)
{
    /// <summary>Tokens per sequence.</summary>
    public int SequenceLength => Sequences.Count == 0 ? 0 : Sequences[0].Length;

    /// <summary>SHA-256 of all ids as little-endian 32-bit integers, lower-case hexadecimal: what makes two calibrations the same.</summary>
    public string Fingerprint
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> bytes = stackalloc byte[4];
            foreach (int[] sequence in Sequences)
            {
                foreach (int id in sequence)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(bytes, id);
                    hash.AppendData(bytes);
                }
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <summary>Random windows of a tokenized text, as the GPTQ family of programs draws them.</summary>
    /// <param name="tokens">The whole text, tokenized once.</param>
    /// <param name="samples">Number of windows, ≥ 1.</param>
    /// <param name="sequenceLength">Tokens per window, ≥ 1.</param>
    /// <param name="seed">Seed, ≥ 0.</param>
    /// <param name="source">Name of the text, for messages and the record.</param>
    /// <remarks>start = randint(0, tokens − length − 1) of Python's generator: seed and text alone give the authors' windows.</remarks>
    /// <exception cref="CalibrationException">The text is shorter than one window and one token.</exception>
    public static CalibrationSet FromText(int[] tokens, int samples, int sequenceLength, long seed, string source)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        if (tokens.Length < sequenceLength + 1)
        {
            throw new CalibrationException($"{source}: the calibration text holds {tokens.Length} tokens, windows of {sequenceLength} need at least {sequenceLength + 1}; "
                + "use a longer text or a smaller --seq-len");
        }

        var random = new PythonRandom(seed);
        var sequences = new int[samples][];
        for (int s = 0; s < samples; s++)
        {
            var start = (int)random.NextInclusive(0, tokens.Length - sequenceLength - 1);
            sequences[s] = tokens[start..(start + sequenceLength)];
        }

        return new CalibrationSet(sequences, source);
    }
}
