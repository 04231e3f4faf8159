using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>
/// PB-LLM's mixture: the low weights are a strip of their own in which the salient ones count for nothing; y += s·step·(Σ code·q − z·Σ q) adds those, which are lists of columns and codes.
/// </summary>
/// <remarks>A record holds the <see cref="SalientCodes"/>, the salient steps and zero codes unless whole rows share them, and the low strip's record: what a product reads, in that order.</remarks>
internal sealed unsafe class MixedStrip : Strip
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly Strip? low;
    private readonly bool isByRow;
    private readonly ScaleTable steps;
    private readonly ZeroKind zeros;
    private readonly int middle;

    /// <summary>A mixture.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="low">The low weights; null: they are zero.</param>
    /// <param name="isByRow">Whether steps and zero codes are <see cref="RowScales"/>.</param>
    /// <param name="bits">Bits of a salient code.</param>
    /// <param name="zeros">How zero codes are stored.</param>
    /// <param name="format">How steps are stored.</param>
    public MixedStrip(int[] columns, Strip? low, bool isByRow, int bits, ZeroKind zeros, ScaleFormat format)
        : base(columns)
    {
        (this.low, this.isByRow, this.zeros) = (low, isByRow, zeros);
        steps = new ScaleTable(format);
        Bits = bits;
        middle = 1 << (bits - 1);
    }

    /// <summary>Bytes of a record without the lists.</summary>
    public override int ByteCount => HighBytes + (low?.ByteCount ?? 0);

    /// <summary>The low weights; null: they are zero.</summary>
    public Strip? Low => low;

    /// <summary>Whether steps and zero codes are <see cref="RowScales"/>.</summary>
    public bool IsByRow => isByRow;

    /// <summary>Bits of a salient code.</summary>
    public int Bits { get; }

    /// <summary>How zero codes are stored.</summary>
    public ZeroKind Zeros => zeros;

    /// <summary>How steps are stored.</summary>
    public ScaleFormat Format => steps.Format;

    /// <inheritdoc/>
    public override string Description => $"{low?.Description ?? "zeros"} + {Bits} bit lists";

    private int HighBytes => isByRow ? 0 : steps.ByteCount + GridStrip.BytesOf(zeros);

    /// <summary>The strip with what writes its records.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="group">The group of columns of the salient part.</param>
    /// <param name="rest">Writes the low weights; null: they are zero.</param>
    public StripSource From(MixedMatrix matrix, int group, StripSource? rest) => new(this, (record, firstRow, rows) => Write((byte*)record, matrix, group, rest, firstRow, rows))
    {
        BytesOf = (firstRow, rows) => ByteCount + SalientCodes.ByteCount([.. SalientColumns(matrix, firstRow, rows).Select(c => c.Length)]),
    };

    private void Write(byte* record, MixedMatrix matrix, int group, StripSource? rest, int firstRow, int rows)
    {
        var salient = (GridMatrix)matrix.Salient;
        int[][] columns = SalientColumns(matrix, firstRow, rows);
        SalientCodes.Write(record, columns, (r, n) => salient.Codes[((firstRow + r) * salient.Columns) + Columns[n]]);
        byte* at = record + SalientCodes.ByteCount([.. columns.Select(c => c.Length)]);
        if (!isByRow)
        {
            WriteScales(at, steps, firstRow, rows, i => salient.Scale[(i * salient.Groups) + group]);
            for (int r = 0; r < rows; r++) GridStrip.WriteZero(at + steps.ByteCount, zeros, r, salient.ZeroOf(firstRow + r, group));
        }

        rest?.Write((nint)(at + HighBytes), firstRow, rows);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* room = stackalloc int[(Rows * 2) + Rows + PlaneKernel.LineInts];
        int* codes = (int*)PlaneKernel.AlignedLine(room);
        int* wide = codes + Rows;
        short* members = (short*)(wide + Rows);
        byte* scales = SalientCodes.Sum(record, input.Values, codes, members);
        if (isByRow)
        {
            TileSums.AddScaled(members, input.Scale, y + Rows);
            TileSums.AddScaled(codes, input.Scale, y + (2 * Rows));
        }
        else
        {
            short* zero = members + Rows;
            GridStrip.ReadZeros(scales + steps.ByteCount, zeros, middle, zero);
            new Span<int>(wide, Rows).Clear();
            TileSums.AddShifted(members, 0, wide);
            TileSums.SubtractZeros(codes, zero, wide);
            TileSums.AddScaled(codes, steps, scales, input.Scale, y);
        }

        low?.AddRest(scales + HighBytes, input, members, y, kernel);
    }

    /// <inheritdoc/>
    public override void Expand(byte* record, int row, float* u)
    {
        byte* scales = record + SalientCodes.ByteCount(record);
        low?.Expand(scales + HighBytes, row, u);
        float step = isByRow ? 0 : steps.Read(scales, row);
        int zero = isByRow ? 0 : GridStrip.ReadZero(scales + steps.ByteCount, zeros, middle, row);
        foreach ((int column, int code) in SalientCodes.Read((nint)record, row))
        {
            u[column] = isByRow ? 0 : step * (code - zero);
            (u[Rows + column], u[(2 * Rows) + column]) = isByRow ? (1, code) : (0, 0);
        }
    }

    /// <summary>[128], the salient columns of each row of a tile, counted within the strip.</summary>
    private int[][] SalientColumns(MixedMatrix matrix, int firstRow, int rows)
    {
        var columns = new int[Rows][];
        for (int r = 0; r < Rows; r++) columns[r] = r < rows ? SetBits(PlaneBits.Gather(matrix.IsSalient.Row(firstRow + r), this)) : [];
        return columns;
    }

    private static int[] SetBits(UInt128 bits)
    {
        var set = new int[(int)UInt128.PopCount(bits)];
        for (int k = 0; k < set.Length; k++, bits &= bits - 1) set[k] = (int)UInt128.TrailingZeroCount(bits);
        return set;
    }
}
