using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Codes of 1 to 8 bits on a grid: y += s·(Σ_b 2^b·S(plane b) − z·S(all)). A record holds the bit planes, lowest first, the steps s and, where they differ, s·z.</summary>
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

    /// <summary>Bytes of a record.</summary>
    public int ByteCount => (bits * PlaneBytes) + steps.ByteCount + (hasZeros ? Rows * sizeof(short) : 0);

    /// <summary>Writes a record.</summary>
    public void Write(byte* record, Func<int, int, int> codeOf, Func<int, float> stepOf, Func<int, int> zeroOf, int firstRow, int rows)
    {
        for (int b = 0; b < bits; b++) WritePlane(record + (b * PlaneBytes), firstRow, rows, (i, j) => (codeOf(i, j) >> b & 1) != 0);
        byte* scales = record + (bits * PlaneBytes);
        WriteScales(scales, steps, firstRow, rows, stepOf);
        short* zeros = (short*)(scales + steps.ByteCount);
        for (int r = 0; hasZeros && r < Rows && firstRow + r < rows; r++) zeros[r] = (short)zeroOf(firstRow + r);
    }

    /// <inheritdoc/>
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* codes = stackalloc int[Rows * 2];
        int* plane = codes + Rows;
        byte* scales = record + (bits * PlaneBytes);
        short* zeros = (short*)(scales + steps.ByteCount);
        kernel.Sum(record, null, input.Tables, ByteRows, codes, input.Ahead);
        for (int r = 0; r < Rows; r++) codes[r] -= (hasZeros ? zeros[r] : 1 << (bits - 1)) * input.Total;
        for (int b = 1; b < bits; b++)
        {
            kernel.Sum(record + (b * PlaneBytes), null, input.Tables, ByteRows, plane, input.Ahead);
            TileSums.AddShifted(codes, plane, b);
        }

        TileSums.AddScaled(codes, steps, scales, input.Scale, y);
    }
}
