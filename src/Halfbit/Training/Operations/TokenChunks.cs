using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Sums over tokens whose order does not depend on threads: chunks of fixed size are summed apart, then added in order.</summary>
/// <typeparam name="T">Element type.</typeparam>
/// <remarks>The sums live in memory of the thread that made this, which must be done with them before it makes the next.</remarks>
internal readonly struct TokenChunks<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Tokens per chunk: the grain of the loop over tokens.</summary>
    public const int Size = 64;

    [ThreadStatic]
    private static T[]? buffer;

    private readonly T[] sums;
    private readonly int count;
    private readonly int columns;

    /// <summary>Sums of zero, one row of them per chunk.</summary>
    /// <param name="tokens">Tokens, ≥ 0.</param>
    /// <param name="columns">Sums per chunk, ≥ 0.</param>
    public TokenChunks(int tokens, int columns)
    {
        count = (tokens + Size - 1) / Size;
        this.columns = columns;
        sums = OperationScratch<T>.Array(ref buffer, count * columns);
        sums.AsSpan(0, count * columns).Clear();
    }

    /// <summary>The sums of the chunk that begins with token <paramref name="start"/>, [columns].</summary>
    public Span<T> Of(int start) => sums.AsSpan(start / Size * columns, columns);

    /// <summary>total ← total + the sums of all chunks, in order.</summary>
    /// <param name="total">[≤ columns].</param>
    /// <param name="from">The first of the sums that belong to it.</param>
    public void AddTo(Span<T> total, int from = 0)
    {
        if (count == 0) return;
        Span<T> sum = sums.AsSpan(from, total.Length);
        for (int c = 1; c < count; c++) TensorPrimitives.Add(sum, sums.AsSpan((c * columns) + from, total.Length), sum);
        TensorPrimitives.Add(total, sum, total);
    }

    /// <summary>total ← total + Σ over rows of X.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="total">[1, n].</param>
    public static void AddColumnSums(Matrix<T> X, Matrix<T> total)
    {
        var chunks = new TokenChunks<T>(X.Rows, X.Columns);
        SteadyLoop.For(X.Rows, Size, (X, chunks), static (s, start, end) =>
        {
            Span<T> sum = s.chunks.Of(start);
            for (int t = start; t < end; t++) TensorPrimitives.Add(sum, s.X.Row(t), sum);
        });
        chunks.AddTo(total.Row(0));
    }
}
