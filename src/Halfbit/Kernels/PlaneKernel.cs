using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>
/// The one inner loop of all packed products: sums of eight-bit activations over the set bits of a bit plane, for 128 rows at a time.
/// </summary>
/// <remarks>
/// A plane of a strip has, for each eight columns, 128 bytes, one per row; bit k of a byte is column k. Byte lane p belongs to row <see cref="RowOfLane"/>(p), so that of any
/// vector of up to 64 bytes those at the same place in lanes of 32 bits are consecutive rows. Each half byte selects one of 16 sums of four activations. An activation q is split into
/// q = 16·h + l, l in 0 … 15, h in −8 … 7, and both parts have a table of their own, h with 32 added: sums of four are at most 60, and four of them still fit a byte.
/// The sums are exact integers, so every kernel gives the same.
/// </remarks>
internal abstract unsafe class PlaneKernel
{
    private static readonly Lazy<PlaneKernel> Chosen = new(() => Of(DenseKernel.Current));

    /// <summary>Rows of a tile.</summary>
    public const int TileRows = 128;

    /// <summary>Lanes, every fourth of which are consecutive rows.</summary>
    protected const int LaneGroup = 64;

    /// <summary>Sums of rows in a cache line.</summary>
    public const int LineRows = Line / sizeof(int);

    private const int Line = 64;

    /// <summary>Rows of a lane group whose lanes are at the same place.</summary>
    protected const int Quarter = LaneGroup / 4;

    /// <summary>Makes up for sums that are in the upper half of 32 bits.</summary>
    protected const float SignedFactor = 1f / 65536;

    /// <summary>Columns whose bits are in one byte.</summary>
    public const int ByteColumns = 8;

    /// <summary>Bytes of the tables for eight columns: two half bytes, 16 low and 16 high sums each.</summary>
    public const int TableBytes = 64;

    /// <summary>Added to the high sum of four activations.</summary>
    public const int HighBias = 32;

    /// <summary>Most columns of a strip: sums of 128 activations fit 16 bits.</summary>
    public const int MostColumns = 128;

    /// <summary>The kernel for the instruction set that dense products use too (HALFBIT_KERNEL).</summary>
    /// <exception cref="ArgumentException">As <see cref="DenseKernel.Current"/>.</exception>
    public static PlaneKernel Current => Chosen.Value;

    /// <summary>The kernel for an instruction set.</summary>
    public static PlaneKernel Of(DenseKernel.Choice choice) => choice.Name switch
    {
        "avx512" when PlaneKernel512.IsSupported => new PlaneKernel512(),
        "avx512" or "avx2" => new PlaneKernel256(),
        "vector128" => new PlaneKernel128(),
        _ => new PlaneKernelScalar(),
    };

    /// <summary>The next start of a cache line: what is stored there and soon read again never crosses one.</summary>
    public static void* AlignedLine(void* memory) => (void*)(((nint)memory + Line - 1) & ~(nint)(Line - 1));

    /// <summary>Fetches what is some bytes further than what is read, unless that is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* from, int bytes, nint ahead)
    {
        if (!Sse.IsSupported || ahead == 0) return;
        for (int at = 0; at < bytes; at += Line) Sse.Prefetch0(from + at + ahead);
    }

    /// <summary>The row of byte lane p within a tile.</summary>
    public static int RowOfLane(int p) => (p / LaneGroup * LaneGroup) + ((p & 1) * (LaneGroup / 2)) + ((p >> 1 & 1) * Quarter) + (p % LaneGroup / 4);

    /// <summary>sums[r] ← Σ qⱼ over the columns j whose bit is set in row r of the plane, and of the mask where there is one.</summary>
    /// <param name="plane">[byteRows][128].</param>
    /// <param name="mask">[byteRows][128], or null.</param>
    /// <param name="tables">[byteRows][64], tables of the activations.</param>
    /// <param name="byteRows">Columns ÷ 8, even, at most 16.</param>
    /// <param name="sums">[128], by row.</param>
    /// <param name="ahead">Bytes between what is read and what is fetched in advance.</param>
    public abstract void Sum(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead);

    /// <summary>Three sums at once: over the set bits of a plane, over those of them that are marked, and over all marked ones.</summary>
    /// <param name="plane">[byteRows][128].</param>
    /// <param name="marks">[byteRows][128].</param>
    /// <param name="tables">[byteRows][64], tables of the activations.</param>
    /// <param name="byteRows">Columns ÷ 8, even, at most 16.</param>
    /// <param name="sums">[3][128], by row.</param>
    /// <param name="ahead">Bytes between what is read and what is fetched in advance.</param>
    public virtual void SumMarked(byte* plane, byte* marks, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Sum(plane, null, tables, byteRows, sums, ahead);
        Sum(plane, marks, tables, byteRows, sums + TileRows, 0);
        Sum(marks, null, tables, byteRows, sums + (2 * TileRows), ahead);
    }

    /// <summary>sums[r] ← Σ code · q, the bits of codes in planes that follow each other, lowest first.</summary>
    /// <param name="planes">[bits][byteRows][128].</param>
    /// <param name="bits">1 to 8.</param>
    /// <param name="tables">[byteRows][64], tables of the activations.</param>
    /// <param name="byteRows">Columns ÷ 8, even, at most 16.</param>
    /// <param name="sums">[128], by row.</param>
    /// <param name="ahead">Bytes between what is read and what is fetched in advance.</param>
    [SkipLocalsInit]
    public virtual void SumCodes(byte* planes, int bits, byte* tables, int byteRows, int* sums, nint ahead)
    {
        int* planeRoom = stackalloc int[TileRows + LineRows];
        int* plane = (int*)AlignedLine(planeRoom);
        Sum(planes, null, tables, byteRows, sums, ahead);
        for (int b = 1; b < bits; b++)
        {
            Sum(planes + (b * byteRows * TileRows), null, tables, byteRows, plane, ahead);
            TileSums.AddShifted(sums, plane, b);
        }
    }

    /// <summary>y ← y + (α · s) · (2·S − Σ q): the products of rows of signs, S the sums over the plane.</summary>
    /// <param name="plane">[byteRows][128], signs.</param>
    /// <param name="byteRows">Columns ÷ 8, even, at most 16.</param>
    /// <param name="input">The activations.</param>
    /// <param name="table">How row scales α are stored.</param>
    /// <param name="scales">The row scales.</param>
    /// <param name="y">[128], by row.</param>
    [SkipLocalsInit]
    public virtual void AddSigned(byte* plane, int byteRows, in StripInput input, in ScaleTable table, byte* scales, float* y)
    {
        int* sumsRoom = stackalloc int[TileRows + LineRows];
        int* sums = (int*)AlignedLine(sumsRoom);
        Sum(plane, null, input.Tables, byteRows, sums, input.Ahead);
        TileSums.ToSigned(sums, input.Total);
        TileSums.AddScaled(sums, table, scales, input.Scale, y);
    }
}
