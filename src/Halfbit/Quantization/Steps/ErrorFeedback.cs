using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>
/// Column by column: quantize, then let the columns to the right make up for the error (GPTQ, arXiv 2210.17323, Alg. 1).
/// Here alone, and in <see cref="ColumnWalk"/> below it, the library corrects columns.
/// </summary>
/// <remarks>
/// With H⁻¹ = Uᵀ·U and e = (w − q)/U_jj, column k &gt; j becomes w_k − e·U_jk: the exact optimum for the remaining columns when columns are fixed from left to right.
/// Each weight sees one chain of fused multiply-adds in ascending order of j, inside a block and across blocks; so neither the block size
/// nor the number of threads nor the vector width changes a bit of the result.
/// </remarks>
internal static class ErrorFeedback
{
    private const int RowGrain = RowTile.Lanes;

    /// <summary>Columns that are walked at once where the walk without feedback may cut as it likes.</summary>
    private const int WithoutFeedbackColumns = 128;

    /// <summary>Quantizes all columns with feedback; on return <paramref name="W"/> holds the quantized values.</summary>
    /// <param name="W">[rows, n], weights; replaced.</param>
    /// <param name="U">[n, n], upper triangular.</param>
    /// <param name="quantizer">Chooses codes.</param>
    /// <param name="blockSize">Columns between two updates of the columns to the right of a block, ≥ 1.</param>
    /// <param name="costs">[rows], receives each row's Σe², which is (w − q)·(H + δI)·(w − q)ᵀ; null: not wanted.</param>
    public static void PerColumn(Matrix W, Matrix U, IColumnQuantizer quantizer, int blockSize, double[]? costs = null)
    {
        costs?.AsSpan().Clear();
        var errors = new float[W.Rows * Math.Min(blockSize, W.Columns)];
        foreach (ColumnRange block in Blocks(W.Columns, blockSize, quantizer.RefittedGroupSize))
        {
            Matrix blockU = Matrix.CopyOf(U.View.RowRange(block.Start, block.Count)[block]);
            RowParallel.For(W.Rows, RowGrain, (start, end) =>
            {
                var E = new MatrixView<float>(errors, W.Rows, block.Count);
                ColumnWalk.ForThread(block.Count).Run(W, start, block, blockU, quantizer, E);
                for (int i = start; i < end && costs is not null; i++) costs[i] += SumOfSquares(E.Row(i));
            });
            ColumnRange rest = block.RestOf(W.Columns);
            if (rest.Count > 0)
                DenseProduct.SubtractProduct(new MatrixView<float>(errors, W.Rows, block.Count), U.View.RowRange(block.Start, block.Count)[rest], W.View[rest]);
        }
    }

    /// <summary>Quantizes all columns without feedback; on return <paramref name="W"/> holds the quantized values.</summary>
    public static void None(Matrix W, IColumnQuantizer quantizer)
        => RowParallel.For(W.Rows, RowGrain, (start, end) =>
        {
            ColumnWalk walk = ColumnWalk.ForThread(WithoutFeedbackColumns);
            foreach (ColumnRange block in ColumnRange.Split(W.Columns, WithoutFeedbackColumns)) walk.Run(W, start, block, null, quantizer, default);
        });

    /// <summary>
    /// Quantizes block after block, each as a whole, and lets the columns to the right of a block make up for its error; on return <paramref name="W"/> holds the quantized values.
    /// </summary>
    /// <param name="W">[rows, n], weights; replaced.</param>
    /// <param name="U">[n, n], upper triangular; null: no feedback.</param>
    /// <param name="quantizer">Quantizes a block.</param>
    /// <param name="blockSize">Columns per block, ≥ 1; part of the method, not a matter of speed.</param>
    /// <param name="rule">How the error of a block is carried over.</param>
    public static void PerBlock(Matrix W, Matrix? U, IBlockQuantizer quantizer, int blockSize, BlockRule rule)
    {
        var errors = new float[U is null || rule == BlockRule.None ? 0 : W.Rows * Math.Min(blockSize, W.Columns)];
        int index = 0;
        foreach (ColumnRange block in ColumnRange.Split(W.Columns, blockSize))
        {
            Matrix? blockU = U is null ? null : Matrix.CopyOf(U.View.RowRange(block.Start, block.Count)[block]);
            var context = new ColumnBlock(index++, block, blockU);
            if (errors.Length == 0)
            {
                quantizer.Quantize(context, W);
                continue;
            }

            W.View[block].CopyTo(new MatrixView<float>(errors, W.Rows, block.Count));
            quantizer.Quantize(context, W);
            RowParallel.For(W.Rows, RowGrain, (start, end) =>
            {
                var E = new MatrixView<float>(errors, W.Rows, block.Count);
                for (int i = start; i < end; i++) CarryOver(E.Row(i), W.Row(i)[block.Start..block.End], blockU!, rule);
            });
            ColumnRange rest = block.RestOf(W.Columns);
            if (rest.Count > 0)
                DenseProduct.SubtractProduct(new MatrixView<float>(errors, W.Rows, block.Count), U!.View.RowRange(block.Start, block.Count)[rest], W.View[rest]);
        }
    }

    /// <summary>Turns the original weights of a row's block into E, with which the rest is corrected: W_rest −= E·U_rest.</summary>
    private static void CarryOver(Span<float> errors, ReadOnlySpan<float> quantized, Matrix blockU, BlockRule rule)
    {
        for (int j = 0; j < errors.Length; j++) errors[j] -= quantized[j];
        for (int j = 0; j < errors.Length; j++)
        {
            ReadOnlySpan<float> u = blockU.Row(j);
            errors[j] /= u[j];
            if (rule == BlockRule.Exact) SubtractScaled(errors[j], u[(j + 1)..], errors[(j + 1)..]);
        }
    }

    /// <summary>Cuts columns into blocks such that a group that is refitted lies inside one block or starts with one: its weights are then all up to date.</summary>
    private static IEnumerable<ColumnRange> Blocks(int columns, int blockSize, int refittedGroupSize)
    {
        bool groupsMayStraddle = refittedGroupSize > 0 && blockSize % refittedGroupSize != 0;
        for (int start = 0; start < columns;)
        {
            int end = Math.Min(columns, ((start / blockSize) + 1) * blockSize);
            if (groupsMayStraddle) end = Math.Min(end, ((start / refittedGroupSize) + 1) * refittedGroupSize);
            yield return new ColumnRange(start, end);
            start = end;
        }
    }

    private static double SumOfSquares(ReadOnlySpan<float> errors)
    {
        double sum = 0;
        foreach (float e in errors) sum += (double)e * e;
        return sum;
    }

    /// <summary>w ← w − e·u, each element one fused multiply-add.</summary>
    private static void SubtractScaled(float e, ReadOnlySpan<float> u, Span<float> w)
    {
        int k = 0;
        var minusE = new Vector<float>(-e);
        for (; k <= w.Length - Vector<float>.Count; k += Vector<float>.Count)
            Vector.FusedMultiplyAdd(minusE, new Vector<float>(u[k..]), new Vector<float>(w[k..])).CopyTo(w[k..]);
        for (; k < w.Length; k++) w[k] = MathF.FusedMultiplyAdd(-e, u[k], w[k]);
    }
}
