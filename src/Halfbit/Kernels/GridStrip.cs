using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Where the codes and grids of a <see cref="GridStrip"/> come from, by row of the matrix.</summary>
/// <param name="Codes">Copies the codes of the strip's columns to 128 bytes; those of weights that do not count are 0.</param>
/// <param name="Step">The step of a row.</param>
/// <param name="Zero">The zero code of a row.</param>
internal sealed record GridSource(Action<int, Memory<byte>> Codes, Func<int, float> Step, Func<int, int> Zero);

/// <summary>How the zero codes of a grid are stored.</summary>
internal enum ZeroKind
{
    /// <summary>All are 2^(bits − 1).</summary>
    Middle,

    /// <summary>A byte for each row.</summary>
    Bytes,

    /// <summary>16 bits for each row.</summary>
    Words,
}

/// <summary>Codes of 1 to 8 bits on a grid: y += s·step·(Σ code·q − z·Σ q). A record holds the bit planes, lowest first, the steps and, where they differ, the zero codes z.</summary>
internal sealed unsafe class GridStrip : Strip
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly int bits;
    private readonly ZeroKind zeros;
    private readonly ScaleTable steps;

    /// <summary>A strip of codes.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="zeros">How zero codes are stored.</param>
    /// <param name="format">How steps are stored.</param>
    public GridStrip(int[] columns, int bits, ZeroKind zeros, ScaleFormat format)
        : base(columns)
    {
        this.bits = bits;
        this.zeros = zeros;
        steps = new ScaleTable(format);
    }

    /// <inheritdoc/>
    public override int ByteCount => ScalesAt + steps.ByteCount + BytesOf(zeros);

    /// <summary>Bits of a code.</summary>
    public int Bits => bits;

    /// <summary>How zero codes are stored.</summary>
    public ZeroKind Zeros => zeros;

    /// <summary>How steps are stored.</summary>
    public ScaleFormat Format => steps.Format;

    /// <inheritdoc/>
    public override string Description => $"{bits} bit codes";

    /// <summary>Whether codes less zero codes fit 16 bits for sure, so that they can be expanded to levels.</summary>
    public bool HasLevels => zeros != ZeroKind.Words;

    private int ScalesAt => bits * PlaneBytes;

    private int LargestCode => (1 << bits) - 1;

    /// <summary>How the zero codes of a whole matrix are stored.</summary>
    public static ZeroKind KindOf(short[]? zero) => zero is null ? ZeroKind.Middle : zero.All(z => z is >= 0 and <= 255) ? ZeroKind.Bytes : ZeroKind.Words;

    /// <summary>Bytes of the zero codes of a tile.</summary>
    public static int BytesOf(ZeroKind zeros) => Rows * (int)zeros;

    /// <summary>Stores the zero code of a row.</summary>
    public static void WriteZero(byte* stored, ZeroKind kind, int row, int zero)
    {
        if (kind == ZeroKind.Bytes) stored[row] = (byte)zero;
        else if (kind == ZeroKind.Words) ((short*)stored)[row] = (short)zero;
    }

    /// <summary>The zero codes of a tile.</summary>
    /// <param name="stored">As <see cref="WriteZero"/> left them.</param>
    /// <param name="kind">How.</param>
    /// <param name="middle">The zero code of <see cref="ZeroKind.Middle"/>.</param>
    /// <param name="zeros">[128], by row.</param>
    public static void ReadZeros(byte* stored, ZeroKind kind, int middle, short* zeros)
    {
        if (kind == ZeroKind.Middle)
        {
            new Span<short>(zeros, Rows).Fill((short)middle);
        }
        else if (kind == ZeroKind.Words)
        {
            new Span<short>(stored, Rows).CopyTo(new Span<short>(zeros, Rows));
        }
        else
        {
            for (int r = 0; r < Rows; r += 16) Vector256.WidenLower(Vector128.Load(stored + r).ToVector256Unsafe()).AsInt16().Store(zeros + r);
        }
    }

    /// <summary>The zero code of a row.</summary>
    public static int ReadZero(byte* stored, ZeroKind kind, int middle, int row) => kind switch
    {
        ZeroKind.Bytes => stored[row],
        ZeroKind.Words => ((short*)stored)[row],
        _ => middle,
    };

    /// <summary>The strip with what writes its records.</summary>
    public StripSource From(GridSource source) => new(this, (record, firstRow, rows) => Write((byte*)record, source, firstRow, rows));

    private void Write(byte* record, GridSource source, int firstRow, int rows)
    {
        var codes = new byte[PlaneKernel.MostColumns * Rows];
        for (int r = 0; r < rows; r++) source.Codes(firstRow + r, codes.AsMemory(r * PlaneKernel.MostColumns, PlaneKernel.MostColumns));
        fixed (byte* all = codes)
        {
            byte* first = all;
            for (int b = 0; b < bits; b++)
            {
                int bit = b;
                PlaneBits.Write(record + (b * PlaneBytes), Words, PlaneKernel.Line, rows, r => PlaneBits.OfCodes(first + (r * PlaneKernel.MostColumns), bit));
            }
        }

        WriteScales(record + ScalesAt, steps, firstRow, rows, source.Step);
        for (int r = 0; r < rows; r++) WriteZero(record + ScalesAt + steps.ByteCount, zeros, r, source.Zero(firstRow + r));
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* room = stackalloc int[Rows + (Rows / 2) + PlaneKernel.LineInts];
        int* sums = (int*)PlaneKernel.AlignedLine(room);
        Sum(record, input, sums, kernel);
        byte* scales = record + ScalesAt;
        int middle = 1 << (bits - 1);
        if (zeros == ZeroKind.Middle)
        {
            TileSums.ToCodes(sums, middle, LargestCode, input.Total);
        }
        else
        {
            short* expanded = (short*)(sums + Rows);
            ReadZeros(scales + steps.ByteCount, zeros, middle, expanded);
            TileSums.ToCodes(sums, expanded, LargestCode, input.Total);
        }

        TileSums.AddScaled(sums, steps, scales, input.Scale, y);
    }

    /// <summary>The weights of a record as levels, see <see cref="LevelKernel"/>: codes less zero codes, in units of steps.</summary>
    /// <param name="record">Planes and scales.</param>
    /// <param name="kernel">Expands codes.</param>
    /// <param name="levels">[2][8 · words][64][2], receives the levels.</param>
    /// <param name="units">[128], receives the steps, by row.</param>
    [SkipLocalsInit]
    public void Expand(byte* record, LevelKernel kernel, short* levels, float* units)
    {
        short* expanded = stackalloc short[Rows];
        byte* scales = record + ScalesAt;
        ReadZeros(scales + steps.ByteCount, zeros, 1 << (bits - 1), expanded);
        steps.Expand(scales, units);
        kernel.ExpandCodes(record, bits, expanded, Words, levels);
    }

    /// <inheritdoc/>
    /// <remarks>The codes of weights that do not count are 0.</remarks>
    [SkipLocalsInit]
    public override void AddRest(byte* record, in StripInput input, short* left, float* y, PlaneKernel kernel)
    {
        int* room = stackalloc int[(2 * Rows) + (Rows / 2) + PlaneKernel.LineInts];
        int* sums = (int*)PlaneKernel.AlignedLine(room);
        int* members = sums + Rows;
        short* expanded = (short*)(members + Rows);
        Sum(record, input, sums, kernel);
        byte* scales = record + ScalesAt;
        ReadZeros(scales + steps.ByteCount, zeros, 1 << (bits - 1), expanded);
        new Span<int>(members, Rows).Clear();
        TileSums.AddShifted(left, 0, members);
        TileSums.SubtractFrom(input.Total, members);
        TileSums.ToCodes(sums, 0, LargestCode, input.Total);
        TileSums.SubtractZeros(sums, expanded, members);
        TileSums.AddScaled(sums, steps, scales, input.Scale, y);
    }

    /// <inheritdoc/>
    public override void Expand(byte* record, int row, float* u)
    {
        byte* scales = record + ScalesAt;
        float step = steps.Read(scales, row);
        int zero = ReadZero(scales + steps.ByteCount, zeros, 1 << (bits - 1), row);
        UInt128* planes = stackalloc UInt128[8];
        for (int b = 0; b < bits; b++) planes[b] = PlaneBits.Read(record + (b * PlaneBytes), Words, PlaneKernel.Line, row);
        for (int n = 0; n < Columns.Length; n++)
        {
            int code = 0;
            for (int b = 0; b < bits; b++) code |= (int)(planes[b] >> n & 1) << b;
            u[n] = step * (code - zero);
        }
    }

    private void Sum(byte* record, in StripInput input, int* sums, PlaneKernel kernel)
    {
        kernel.SumCodes(record, bits, Words, input, sums);
    }
}
