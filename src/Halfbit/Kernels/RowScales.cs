using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Scales of whole rows, and what writes them.</summary>
/// <param name="Scales">The scales.</param>
/// <param name="Write">Writes those of some rows of the matrix: the address (zeroed), the first row, the number of rows.</param>
internal sealed record RowScalesSource(RowScales Scales, Action<nint, int, int> Write);

/// <summary>
/// Scales that whole rows share: they lie in memory once for each tile, after all records, and strips leave the sums that they scale: u₀ = Σ s·W over signs, and for salient codes
/// u₁ = Σ s·q and u₂ = Σ s·code·q over the salient weights. In the end y = α·u₀ + μ·(t − u₁) + step·(u₂ − z·u₁) with t = Σ s·q over the whole row.
/// </summary>
internal sealed unsafe class RowScales
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly ScaleTable? alpha;
    private readonly ScaleTable? mu;
    private readonly ScaleTable? step;
    private readonly ZeroKind zeros;
    private readonly int middle;

    /// <summary>The scales of a matrix of signs, or of a mixture.</summary>
    /// <param name="alpha">How the scales of signs are stored; null: there are none.</param>
    /// <param name="hasMeans">Whether signs have means, stored likewise.</param>
    /// <param name="step">How the steps of salient codes are stored; null: there are none.</param>
    /// <param name="bits">Bits of a salient code.</param>
    /// <param name="zeros">How zero codes are stored.</param>
    public RowScales(ScaleFormat? alpha, bool hasMeans, ScaleFormat? step, int bits, ZeroKind zeros)
    {
        this.alpha = alpha is null ? null : new ScaleTable(alpha.Value);
        mu = hasMeans ? this.alpha : null;
        this.step = step is null ? null : new ScaleTable(step.Value);
        (Bits, this.zeros, middle) = (bits, zeros, 1 << (bits - 1));
    }

    /// <summary>Sums of a row: 1, or 3 with salient codes.</summary>
    public int Sums => step is null ? 1 : 3;

    /// <summary>Bytes of a tile.</summary>
    public int ByteCount => (alpha?.ByteCount ?? 0) + (mu?.ByteCount ?? 0) + (step is null ? 0 : step.Value.ByteCount + GridStrip.BytesOf(zeros));

    /// <summary>The scales with what writes them.</summary>
    /// <param name="signs">The signs of the matrix, or of the low part of a mixture; null: none.</param>
    /// <param name="salient">The salient codes of a mixture; null: none.</param>
    public static RowScalesSource From(SignMatrix? signs, GridMatrix? salient)
    {
        var scales = new RowScales(signs?.Format, signs?.Mu is not null, salient?.Format, salient?.Bits ?? 1, GridStrip.KindOf(salient?.Zero));
        return new RowScalesSource(scales, (record, firstRow, rows) => scales.Write((byte*)record, signs, salient, firstRow, rows));
    }

    /// <summary>How the scales of signs are stored; null: there are none.</summary>
    public ScaleFormat? Alpha => alpha?.Format;

    /// <summary>Whether signs have means.</summary>
    public bool HasMeans => mu is not null;

    /// <summary>How the steps of salient codes are stored; null: there are none.</summary>
    public ScaleFormat? Step => step?.Format;

    /// <summary>Bits of a salient code.</summary>
    public int Bits { get; }

    /// <summary>How zero codes are stored.</summary>
    public ZeroKind Zeros => zeros;

    private void Write(byte* record, SignMatrix? signs, GridMatrix? salient, int firstRow, int rows)
    {
        if (alpha is ScaleTable ofSigns) record = Write(record, ofSigns, signs!.Alpha, firstRow, rows);
        if (mu is ScaleTable ofMeans) record = Write(record, ofMeans, signs!.Mu!, firstRow, rows);
        if (step is not ScaleTable ofCodes) return;
        record = Write(record, ofCodes, salient!.Scale, firstRow, rows);
        for (int r = 0; r < rows; r++) GridStrip.WriteZero(record, zeros, r, salient.ZeroOf(firstRow + r, 0));
    }

    private static byte* Write(byte* record, in ScaleTable table, float[] scales, int firstRow, int rows)
    {
        for (int r = 0; r < rows; r++) table.Write(record, r, scales[firstRow + r]);
        return record + table.ByteCount;
    }

    /// <summary>Makes what strips give for a row weights.</summary>
    /// <param name="record">The scales.</param>
    /// <param name="row">Row of the tile.</param>
    /// <param name="u">[3][128], as <see cref="Strip.Expand"/> left it; the first 128 become the weights.</param>
    /// <param name="count">Columns.</param>
    public void Expand(byte* record, int row, float* u, int count)
    {
        float a = alpha is null ? 1 : Next(alpha.Value, ref record);
        float m = mu is null ? 0 : Next(mu.Value, ref record);
        float s = step is null ? 0 : Next(step.Value, ref record);
        int zero = step is null ? 0 : GridStrip.ReadZero(record, zeros, middle, row);
        for (int n = 0; n < count; n++) u[n] = u[Rows + n] != 0 ? s * (u[(2 * Rows) + n] - zero) : (a * u[n]) + m;

        float Next(in ScaleTable table, ref byte* at)
        {
            float scale = table.Read(at, row);
            at += table.ByteCount;
            return scale;
        }
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
            alpha.Value.Expand(record, scales);
            record += alpha.Value.ByteCount;
            for (int r = 0; r < y.Length; r++) y[r] = scales[r] * sums[r];
        }

        if (mu is not null)
        {
            mu.Value.Expand(record, scales);
            record += mu.Value.ByteCount;
            for (int r = 0; r < y.Length; r++) y[r] += scales[r] * (step is null ? total : total - sums[Rows + r]);
        }

        if (step is null) return;
        step.Value.Expand(record, scales);
        GridStrip.ReadZeros(record + step.Value.ByteCount, zeros, middle, zero);
        for (int r = 0; r < y.Length; r++) y[r] += scales[r] * (sums[(2 * Rows) + r] - (zero[r] * sums[Rows + r]));
    }
}
