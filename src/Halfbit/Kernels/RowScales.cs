using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>
/// Scales that whole rows share: they lie in memory once for each tile, after all records, and strips leave the sums that they scale: u₀ = Σ s·W over signs, and for salient codes
/// u₁ = Σ s·q and u₂ = Σ s·code·q over the salient weights. In the end y = α·u₀ + μ·(t − u₁) + step·(u₂ − z·u₁) with t = Σ s·q over the whole row.
/// </summary>
internal sealed unsafe class RowScales
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly (ScaleTable Table, Func<int, float> Of)? alpha;
    private readonly (ScaleTable Table, Func<int, float> Of)? mu;
    private readonly (ScaleTable Table, Func<int, float> Of)? step;
    private readonly (ZeroKind Kind, int Middle, Func<int, int> Of) zeros;

    /// <summary>The scales of a matrix of signs, or of the low part of a mixture.</summary>
    /// <param name="signs">The signs, whose scales are those of whole rows; null: that part has no such scales.</param>
    /// <param name="salient">The salient codes of a mixture, whose steps and zero codes are those of whole rows; null: there are none such.</param>
    public RowScales(SignMatrix? signs, GridMatrix? salient)
    {
        if (signs is not null)
        {
            alpha = (new ScaleTable(signs.Format), i => signs.Alpha[i]);
            if (signs.Mu is not null) mu = (alpha.Value.Table, i => signs.Mu[i]);
        }

        if (salient is null) return;
        step = (new ScaleTable(salient.Format), i => salient.Scale[i]);
        zeros = (GridStrip.KindOf(salient.Zero), 1 << (salient.Bits - 1), i => salient.ZeroOf(i, 0));
    }

    /// <summary>Sums of a row: 1, or 3 with salient codes.</summary>
    public int Sums => step is null ? 1 : 3;

    /// <summary>Bytes of a tile.</summary>
    public int ByteCount => (alpha?.Table.ByteCount ?? 0) + (mu?.Table.ByteCount ?? 0) + (step is null ? 0 : step.Value.Table.ByteCount + GridStrip.BytesOf(zeros.Kind));

    /// <summary>Writes the scales of a tile.</summary>
    /// <param name="record">Zeroed.</param>
    /// <param name="firstRow">First row of the tile in the matrix.</param>
    /// <param name="rows">Rows of the tile.</param>
    public void Write(byte* record, int firstRow, int rows)
    {
        byte* at = record;
        foreach ((ScaleTable Table, Func<int, float> Of)? scales in ((ScaleTable, Func<int, float>)?[])[alpha, mu, step])
        {
            if (scales is null) continue;
            for (int r = 0; r < rows; r++) scales.Value.Table.Write(at, r, scales.Value.Of(firstRow + r));
            at += scales.Value.Table.ByteCount;
        }

        for (int r = 0; step is not null && r < rows; r++) GridStrip.WriteZero(at, zeros.Kind, r, zeros.Of(firstRow + r));
    }

    /// <summary>Makes sums results.</summary>
    /// <param name="record">The scales.</param>
    /// <param name="sums">[<see cref="Sums"/>][128], by row.</param>
    /// <param name="total">t.</param>
    /// <param name="y">[rows], receives y.</param>
    [SkipLocalsInit]
    public void Apply(byte* record, float* sums, float total, Span<float> y)
    {
        float* scales = stackalloc float[Rows];
        short* zero = stackalloc short[Rows];
        if (alpha is null)
        {
            new Span<float>(sums, y.Length).CopyTo(y);
        }
        else
        {
            alpha.Value.Table.Expand(record, scales);
            record += alpha.Value.Table.ByteCount;
            for (int r = 0; r < y.Length; r++) y[r] = scales[r] * sums[r];
        }

        if (mu is not null)
        {
            mu.Value.Table.Expand(record, scales);
            record += mu.Value.Table.ByteCount;
            for (int r = 0; r < y.Length; r++) y[r] += scales[r] * (step is null ? total : total - sums[Rows + r]);
        }

        if (step is null) return;
        step.Value.Table.Expand(record, scales);
        GridStrip.ReadZeros(record + step.Value.Table.ByteCount, zeros.Kind, zeros.Middle, zero);
        for (int r = 0; r < y.Length; r++) y[r] += scales[r] * (sums[(2 * Rows) + r] - (zero[r] * sums[Rows + r]));
    }
}
