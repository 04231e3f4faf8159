using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Where a strip of codes comes from, by row and column of the matrix.</summary>
/// <param name="Code">The code of a weight.</param>
/// <param name="Step">The step of a row.</param>
/// <param name="Zero">The zero code of a row.</param>
/// <param name="IsKept">Whether a weight counts; null: all do.</param>
internal sealed record GridSource(Func<int, int, int> Code, Func<int, float> Step, Func<int, int> Zero, Func<int, int, bool>? IsKept = null);

/// <summary>Codes of 1 to 8 bits on a grid: y += s·(Σ_b 2^b·S(plane b) − z·S(kept)). A record holds the bit planes, lowest first, the kept weights where some are not, the steps s and, where they differ, the zero codes z.</summary>
/// <remarks>The code of a weight that is not kept is 0.</remarks>
internal sealed unsafe class GridStrip : Strip
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly int bits;
    private readonly bool hasKeep;
    private readonly bool hasZeros;
    private readonly ScaleTable steps;

    /// <summary>A strip of codes.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="hasKeep">Whether some weights are not kept.</param>
    /// <param name="hasZeros">Whether the zero codes are not all 2^(bits − 1).</param>
    /// <param name="format">How steps are stored.</param>
    public GridStrip(int[] columns, int bits, bool hasKeep, bool hasZeros, ScaleFormat format)
        : base(columns)
    {
        this.bits = bits;
        this.hasKeep = hasKeep;
        this.hasZeros = hasZeros;
        steps = new ScaleTable(format);
    }

    /// <inheritdoc/>
    public override int ByteCount => ScalesAt + steps.ByteCount + (hasZeros ? Rows * sizeof(short) : 0);

    /// <summary>Where the plane of kept weights is in a record.</summary>
    public int KeepAt => bits * PlaneBytes;

    private int ScalesAt => (bits + (hasKeep ? 1 : 0)) * PlaneBytes;

    /// <summary>Writes a record.</summary>
    public void Write(byte* record, GridSource source, int firstRow, int rows)
    {
        for (int b = 0; b < bits; b++)
            WritePlane(record + (b * PlaneBytes), firstRow, rows, (i, j) => (source.Code(i, j) >> b & 1) != 0 && (source.IsKept is null || source.IsKept(i, j)));
        if (hasKeep) WritePlane(record + KeepAt, firstRow, rows, source.IsKept!);
        WriteScales(record + ScalesAt, steps, firstRow, rows, source.Step);
        short* zeros = (short*)(record + ScalesAt + steps.ByteCount);
        for (int r = 0; hasZeros && r < Rows && firstRow + r < rows; r++) zeros[r] = (short)source.Zero(firstRow + r);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* codesRoom = stackalloc int[(Rows * 2) + PlaneKernel.LineRows];
        int* codes = (int*)PlaneKernel.AlignedLine(codesRoom);
        int* kept = codes + Rows;
        byte* scales = record + ScalesAt;
        short* zeros = (short*)(scales + steps.ByteCount);
        kernel.SumCodes(record, bits, input.Tables, ByteRows, codes, input.Ahead);
        if (hasKeep)
        {
            kernel.Sum(record + KeepAt, null, input.Tables, ByteRows, kept, input.Ahead);
            if (hasZeros) TileSums.SubtractZeros(codes, zeros, kept);
            else TileSums.SubtractShifted(codes, kept, bits - 1);
        }
        else if (hasZeros)
        {
            TileSums.SubtractZeros(codes, zeros, input.Total);
        }
        else
        {
            TileSums.Subtract(codes, input.Total << (bits - 1));
        }

        TileSums.AddScaled(codes, steps, scales, input.Scale, y);
    }
}
