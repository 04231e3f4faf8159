using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Where a strip of codes comes from, by row and column of the matrix.</summary>
/// <param name="Code">The code of a weight.</param>
/// <param name="Step">The step of a row.</param>
/// <param name="Zero">The zero code of a row.</param>
/// <param name="IsKept">Whether a weight counts; null: all do.</param>
internal sealed record GridSource(Func<int, int, int> Code, Func<int, float> Step, Func<int, int> Zero, Func<int, int, bool>? IsKept = null);

/// <summary>Codes of 1 to 8 bits on a grid: y += s·(Σ_b 2^b·S(plane b) − z·S(kept)). A record holds the bit planes, lowest first, the steps s and, where they differ, the zero codes z.</summary>
/// <remarks>The code of a weight that is not kept is 0.</remarks>
internal sealed unsafe class GridStrip : Strip
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly int bits;
    private readonly bool hasZeros;
    private readonly ScaleTable steps;

    /// <summary>A strip of codes.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="hasZeros">Whether the zero codes are not all 2^(bits − 1).</param>
    /// <param name="format">How steps are stored.</param>
    public GridStrip(int[] columns, int bits, bool hasZeros, ScaleFormat format)
        : base(columns)
    {
        this.bits = bits;
        this.hasZeros = hasZeros;
        steps = new ScaleTable(format);
    }

    /// <inheritdoc/>
    public override int ByteCount => ScalesAt + steps.ByteCount + (hasZeros ? Rows * sizeof(short) : 0);

    private int ScalesAt => bits * PlaneBytes;

    /// <summary>Writes a record.</summary>
    public void Write(byte* record, GridSource source, int firstRow, int rows)
    {
        for (int b = 0; b < bits; b++)
            WritePlane(record + (b * PlaneBytes), firstRow, rows, (i, j) => (source.Code(i, j) >> b & 1) != 0 && (source.IsKept is null || source.IsKept(i, j)));
        WriteScales(record + ScalesAt, steps, firstRow, rows, source.Step);
        short* zeros = (short*)(record + ScalesAt + steps.ByteCount);
        for (int r = 0; hasZeros && r < Rows && firstRow + r < rows; r++) zeros[r] = (short)source.Zero(firstRow + r);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* codesRoom = stackalloc int[Rows + PlaneKernel.LineRows];
        int* codes = (int*)PlaneKernel.AlignedLine(codesRoom);
        kernel.SumCodes(record, bits, input.Tables, ByteRows, codes, input.Ahead);
        byte* scales = record + ScalesAt;
        PlaneKernel.Fetch(scales, ByteCount - ScalesAt, input.Ahead);
        if (hasZeros) TileSums.SubtractZeros(codes, (short*)(scales + steps.ByteCount), input.Total);
        else TileSums.Subtract(codes, input.Total << (bits - 1));
        TileSums.AddScaled(codes, steps, scales, input.Scale, y);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void AddKept(byte* record, in StripInput input, int* kept, float* y, PlaneKernel kernel)
    {
        int* codesRoom = stackalloc int[Rows + PlaneKernel.LineRows];
        int* codes = (int*)PlaneKernel.AlignedLine(codesRoom);
        kernel.SumCodes(record, bits, input.Tables, ByteRows, codes, input.Ahead);
        byte* scales = record + ScalesAt;
        PlaneKernel.Fetch(scales, ByteCount - ScalesAt, input.Ahead);
        if (hasZeros) TileSums.SubtractZeros(codes, (short*)(scales + steps.ByteCount), kept);
        else TileSums.SubtractShifted(codes, kept, bits - 1);
        TileSums.AddScaled(codes, steps, scales, input.Scale, y);
    }
}
