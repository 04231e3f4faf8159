using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>The residual stream: h ← h + x. Backward, dx is dh itself.</summary>
internal static class ResidualOperation
{
    private const int Piece = 1 << 15;

    /// <summary>hidden += change.</summary>
    /// <param name="hidden">[tokens, features].</param>
    /// <param name="change">[tokens, features].</param>
    public static void Forward<T>(Matrix<T> hidden, Matrix<T> change)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => RowParallel.For(hidden.Data.Length, Piece, (start, end) =>
        {
            Span<T> sum = hidden.Data.AsSpan(start, end - start);
            TensorPrimitives.Add(sum, change.Data.AsSpan(start, end - start), sum);
        });
}
