using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.PbLlm;

/// <summary>A layer, or some of its rows, with everything that is fixed before its columns are walked, except the fit of the low levels.</summary>
/// <param name="W">[rows, n], weights, dead columns zeroed; not changed.</param>
/// <param name="IsSalient">[rows, n].</param>
/// <param name="HighGrid">[rows], grids of the salient weights.</param>
/// <param name="Factor">Damped Hessian factor; null without statistics.</param>
/// <param name="Options">Options of the method.</param>
/// <param name="Format">How scales are stored.</param>
internal sealed record PartialWalk(Matrix W, BitMatrix IsSalient, AffineGrid[] HighGrid, HessianFactor? Factor, PbLlmOptions Options, ScaleFormat Format)
{
    /// <summary>Quantizes all columns.</summary>
    /// <param name="fit">How the levels of the low weights are fitted; the released variant has its own way.</param>
    /// <param name="Q">[rows, n], receives the quantized weights.</param>
    /// <param name="costs">[rows], receives each row's (w − q)·(H + δI)·(w − q)ᵀ, only with compensation; null: not wanted.</param>
    /// <returns>The codes.</returns>
    public IColumnQuantizer Run(LowFit fit, out Matrix Q, double[]? costs = null)
    {
        var sensitivity = new LowSensitivity(Factor, IsSalient, fit.SensitivityPower);
        IColumnQuantizer low = LowPrecisions.Fit(W, IsSalient, sensitivity, (float)fit.Stretch, Options, Format);
        var high = new GridColumnQuantizer(W.Rows, W.Columns, Options.SalientBits, -1, HighGrid, Format);
        var mixed = new MixedColumnQuantizer(IsSalient, high, low);
        Q = Matrix.CopyOf(W.View);
        if (Options.Compensation) ErrorFeedback.PerColumn(Q, Factor!.U, mixed, Options.BlockSize, costs);
        else ErrorFeedback.None(Q, mixed);
        return mixed;
    }

    /// <summary>The same for some rows.</summary>
    public PartialWalk OfRows(int[] rows)
    {
        var isSalient = new BitMatrix(rows.Length, W.Columns);
        for (int r = 0; r < rows.Length; r++) IsSalient.Row(rows[r]).CopyTo(isSalient.Row(r));
        return this with { W = RowsOf(W, rows), IsSalient = isSalient, HighGrid = [.. rows.Select(i => HighGrid[i])] };
    }

    /// <summary>A copy of some rows.</summary>
    public static Matrix RowsOf(Matrix matrix, int[] rows)
    {
        var copy = new Matrix(rows.Length, matrix.Columns);
        for (int r = 0; r < rows.Length; r++) matrix.Row(rows[r]).CopyTo(copy.Row(r));
        return copy;
    }
}
