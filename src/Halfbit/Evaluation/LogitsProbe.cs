using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>One of the largest logits of a position.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Logit">Its logit.</param>
public readonly record struct TokenLogit(int Id, float Logit);

/// <summary>The logits of one position.</summary>
/// <param name="Position">0-based.</param>
/// <param name="LogSumExp">log Σ exp(logit).</param>
/// <param name="Top">The largest logits, largest first; the lower id first among equals.</param>
/// <param name="Logits">[vocabulary], or null where they were not asked for.</param>
public sealed record PositionLogits(int Position, double LogSumExp, IReadOnlyList<TokenLogit> Top, float[]? Logits);

/// <summary>Logits of one sequence in a form that other engines can be compared with.</summary>
public static class LogitsProbe
{
    /// <summary>Runs one sequence.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokens">Token ids, at least one.</param>
    /// <param name="top">Largest logits to list for each position, ≥ 0.</param>
    /// <param name="fullPositions">Positions whose logits are wanted in full.</param>
    /// <returns>One entry for each position, in order.</returns>
    /// <exception cref="ArgumentException">A token id is outside the vocabulary or a position outside the sequence.</exception>
    /// <exception cref="NumericsException">Logits are not finite.</exception>
    public static IReadOnlyList<PositionLogits> Measure(Decoder decoder, ReadOnlySpan<int> tokens, int top = 5, IReadOnlyCollection<int>? fullPositions = null)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        foreach (int position in fullPositions ?? [])
        {
            if (position < 0 || position >= tokens.Length)
                throw new ArgumentException($"position {position} is outside the sequence, expected 0 to {tokens.Length - 1}");
        }

        const int Chunk = 64;
        Matrix hidden = decoder.Forward(new SequenceBatch(tokens));
        var logits = new Matrix(Math.Min(Chunk, tokens.Length), decoder.Config.VocabularySize);
        var exponentials = new float[decoder.Config.VocabularySize];
        var result = new List<PositionLogits>(tokens.Length);
        for (int start = 0; start < tokens.Length; start += Chunk)
        {
            int count = Math.Min(Chunk, tokens.Length - start);
            decoder.Logits(hidden, start, count, logits);
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> row = logits.Row(i);
                double logSum = LogSoftmax.LogSumExp(row, exponentials, out _);
                if (!double.IsFinite(logSum)) throw new NumericsException($"logits are not finite at position {start + i}; the weights may be damaged");
                result.Add(new PositionLogits(start + i, logSum, Largest(row, top), fullPositions?.Contains(start + i) == true ? row.ToArray() : null));
            }
        }

        return result;
    }

    private static List<TokenLogit> Largest(ReadOnlySpan<float> logits, int count)
    {
        count = Math.Min(count, logits.Length);
        var largest = new List<TokenLogit>(count + 1);
        for (int id = 0; id < logits.Length && count > 0; id++)
        {
            if (largest.Count == count && !(logits[id] > largest[^1].Logit)) continue;
            int place = largest.Count;
            while (place > 0 && logits[id] > largest[place - 1].Logit) place--;
            largest.Insert(place, new TokenLogit(id, logits[id]));
            if (largest.Count > count) largest.RemoveAt(count);
        }

        return largest;
    }
}
