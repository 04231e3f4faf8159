using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Sums over tokens, one number for each feature: chunks of a fixed number of tokens are summed on all threads, then added in order, so that threads change nothing.</summary>
internal static class ColumnSum
{
    private const int Chunk = 64;

    /// <summary>Adds what one token contributes.</summary>
    /// <param name="token">The token.</param>
    /// <param name="sum">[features], added to.</param>
    public delegate void Contribution<T>(int token, Span<T> sum);

    /// <summary>total += Σ_t contribution of t.</summary>
    /// <param name="tokens">How many.</param>
    /// <param name="total">[1, features].</param>
    /// <param name="add">Adds one token's contribution; called by several threads.</param>
    public static void Add<T>(int tokens, Matrix<T> total, Contribution<T> add)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var sums = new Matrix<T>((tokens + Chunk - 1) / Chunk, total.Columns);
        RowParallel.For(tokens, Chunk, (start, end) =>
        {
            for (int t = start; t < end; t++) add(t, sums.Row(t / Chunk));
        });
        for (int k = 0; k < sums.Rows; k++) TensorPrimitives.Add(total.Data, sums.Row(k), total.Data);
    }
}
