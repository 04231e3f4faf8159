using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Numerics;

/// <summary>
/// Sixteen rows of a matrix, transposed: [columns][16], so that a lane of a vector is a row and every row sees the same operations in the same order at any vector width.
/// </summary>
internal static class RowTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Lanes = 16;

    /// <summary>Loads rows; lanes without a row become 0.</summary>
    /// <param name="W">[rows, columns].</param>
    /// <param name="firstRow">Row of lane 0.</param>
    /// <param name="tile">[columns][16].</param>
    public static void Load(MatrixView<float> W, int firstRow, Span<float> tile)
    {
        int rows = Math.Min(Lanes, W.Rows - firstRow);
        if (rows < Lanes) tile.Clear();
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<float> row = W.Row(firstRow + r);
            for (int j = 0, at = r; j < row.Length; j++, at += Lanes) tile[at] = row[j];
        }
    }

    /// <summary>result[k] ← Σⱼ tile[j]·M[j, k], one chain of fused multiply-adds in ascending order of j.</summary>
    /// <param name="tile">[m][16].</param>
    /// <param name="M">[m, n].</param>
    /// <param name="result">[n][16]; must not overlap the tile.</param>
    public static void Multiply(ReadOnlySpan<float> tile, MatrixView<float> M, Span<float> result)
    {
        int m = M.Rows;
        int n = M.Columns;
        ArgumentOutOfRangeException.ThrowIfLessThan(tile.Length, m * Lanes);
        ArgumentOutOfRangeException.ThrowIfLessThan(result.Length, n * Lanes);
        ref float x = ref MemoryMarshal.GetReference(tile);
        ref float matrix = ref MemoryMarshal.GetReference(M.Data);
        nuint stride = (nuint)M.Stride;
        int k = 0;
        for (; k + 8 <= n; k += 8)
        {
            Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            ref float c = ref Unsafe.Add(ref matrix, k);
            for (nuint j = 0; j < (nuint)m; j++)
            {
                Vector512<float> lane = Vector512.LoadUnsafe(ref x, j * Lanes);
                s0 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(c), s0);
                s1 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 1)), s1);
                s2 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 2)), s2);
                s3 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 3)), s3);
                s4 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 4)), s4);
                s5 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 5)), s5);
                s6 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 6)), s6);
                s7 = Vector512.FusedMultiplyAdd(lane, Vector512.Create(Unsafe.Add(ref c, 7)), s7);
                c = ref Unsafe.Add(ref c, stride);
            }

            s0.CopyTo(result[(k * Lanes)..]);
            s1.CopyTo(result[((k + 1) * Lanes)..]);
            s2.CopyTo(result[((k + 2) * Lanes)..]);
            s3.CopyTo(result[((k + 3) * Lanes)..]);
            s4.CopyTo(result[((k + 4) * Lanes)..]);
            s5.CopyTo(result[((k + 5) * Lanes)..]);
            s6.CopyTo(result[((k + 6) * Lanes)..]);
            s7.CopyTo(result[((k + 7) * Lanes)..]);
        }

        for (; k < n; k++)
        {
            Vector512<float> sum = default;
            for (int j = 0; j < m; j++) sum = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, (nuint)(j * Lanes)), Vector512.Create(M[j, k]), sum);
            sum.CopyTo(result[(k * Lanes)..]);
        }
    }

    /// <summary>tile[k] ← tile[k] − e·u[k], each element one fused multiply-add.</summary>
    /// <param name="e">[16].</param>
    /// <param name="u">[n].</param>
    /// <param name="tile">[n][16].</param>
    public static void SubtractOuter(Vector512<float> e, ReadOnlySpan<float> u, Span<float> tile)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tile.Length, u.Length * Lanes);
        ref float x = ref MemoryMarshal.GetReference(tile);
        Vector512<float> minusE = -e;
        nuint at = 0;
        int k = 0;
        for (; k + 4 <= u.Length; k += 4, at += 4 * Lanes)
        {
            Vector512<float> x0 = Vector512.FusedMultiplyAdd(minusE, Vector512.Create(u[k]), Vector512.LoadUnsafe(ref x, at));
            Vector512<float> x1 = Vector512.FusedMultiplyAdd(minusE, Vector512.Create(u[k + 1]), Vector512.LoadUnsafe(ref x, at + Lanes));
            Vector512<float> x2 = Vector512.FusedMultiplyAdd(minusE, Vector512.Create(u[k + 2]), Vector512.LoadUnsafe(ref x, at + (2 * Lanes)));
            Vector512<float> x3 = Vector512.FusedMultiplyAdd(minusE, Vector512.Create(u[k + 3]), Vector512.LoadUnsafe(ref x, at + (3 * Lanes)));
            x0.StoreUnsafe(ref x, at);
            x1.StoreUnsafe(ref x, at + Lanes);
            x2.StoreUnsafe(ref x, at + (2 * Lanes));
            x3.StoreUnsafe(ref x, at + (3 * Lanes));
        }

        for (; k < u.Length; k++, at += Lanes)
            Vector512.FusedMultiplyAdd(minusE, Vector512.Create(u[k]), Vector512.LoadUnsafe(ref x, at)).StoreUnsafe(ref x, at);
    }
}
