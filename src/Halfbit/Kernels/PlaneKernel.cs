using System.Runtime.CompilerServices;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>
/// The one inner loop of all packed products: signed sums of eight-bit activations, W = Σ ±q with + where the bit of a plane is set, for 128 rows at a time.
/// </summary>
/// <remarks>
/// A plane of a strip has, for each sixteen columns, 128 words of 16 bits, one per row; bit k of a word is column k. Planes that are read together lie together: a line (64 bytes, 32 rows) of each in turn,
/// so that memory is one stream; hence the stride between the lines of a plane. Word lane p belongs to row <see cref="RowOfLane"/>(p), so that the
/// lower halves of 32-bit lanes are consecutive rows, and the upper halves are. Groups of bits of a word select sums from tables of the activations. The sums are exact integers of 16 bits,
/// so every kernel gives the same.
/// </remarks>
internal abstract unsafe class PlaneKernel
{
    private static readonly Lazy<PlaneKernel> Chosen = new(() => Of(DenseKernel.Current));

    /// <summary>Rows of a tile.</summary>
    public const int TileRows = 128;

    /// <summary>Columns whose bits are in one word.</summary>
    public const int WordColumns = 16;

    /// <summary>Bytes of a line: a cache line, 16 columns of 32 rows.</summary>
    public const int Line = 64;

    /// <summary>Lines of a plane for 16 columns.</summary>
    public const int WordLines = 4;

    /// <summary>Bytes of a plane for 16 columns.</summary>
    public const int WordBytes = WordLines * Line;

    /// <summary>Most columns of a strip: sums of 128 activations fit 16 bits.</summary>
    public const int MostColumns = 128;

    /// <summary>Bytes of the largest plane of a strip.</summary>
    public const int MostPlaneBytes = MostColumns / WordColumns * WordBytes;

    /// <summary>Room for the tables of 16 columns that suits every kernel.</summary>
    public const int MostTableBytes = 256;

    /// <summary>Rows whose sums are the lower halves of a vector of 32-bit lanes; those of the upper halves follow.</summary>
    protected const int Half = 16;

    /// <summary>Lanes of 32 rows.</summary>
    protected const int LaneGroup = 2 * Half;

    /// <summary>Makes up for sums that are in the upper half of 32 bits.</summary>
    protected const float UpperFactor = 1f / 65536;

    /// <summary>Numbers of 32 bits in a cache line.</summary>
    public const int LineInts = Line / sizeof(int);

    /// <summary>The kernel for the instruction set that dense products use too (HALFBIT_KERNEL).</summary>
    /// <exception cref="ArgumentException">As <see cref="DenseKernel.Current"/>.</exception>
    public static PlaneKernel Current => Chosen.Value;

    /// <summary>Bytes of the tables of 16 columns.</summary>
    public abstract int TableBytes { get; }

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

    /// <summary>The row of word lane p within a tile.</summary>
    public static int RowOfLane(int p) => (p & ~(LaneGroup - 1)) + ((p & 1) * Half) + (p % LaneGroup / 2);

    /// <summary>The tables of some activations.</summary>
    /// <param name="values">[16 · words], q.</param>
    /// <param name="words">Columns ÷ 16.</param>
    /// <param name="tables">[words][<see cref="TableBytes"/>], receives them; on a cache line.</param>
    public abstract void BuildTables(sbyte* values, int words, byte* tables);

    /// <summary>sums ← W(plane).</summary>
    /// <param name="plane">[words][128].</param>
    /// <param name="words">Columns ÷ 16, 1 to 8.</param>
    /// <param name="stride">Bytes from one line of a plane to the next.</param>
    /// <param name="input">The activations.</param>
    /// <param name="sums">[128], by lane.</param>
    public abstract void Sum(byte* plane, int words, nint stride, in StripInput input, short* sums);

    /// <summary>sums ← T₀, T₁: Σ ±q over the weights whose bit in a is clear, and set. From W(plane) = T₀ + T₁ and W(plane ⊕ a) = T₀ − T₁.</summary>
    /// <param name="plane">[words][128].</param>
    /// <param name="a">[words][128].</param>
    /// <param name="words">Columns ÷ 16, 1 to 8.</param>
    /// <param name="stride">Bytes from one line of a plane to the next.</param>
    /// <param name="input">The activations.</param>
    /// <param name="sums">[2][128], by lane.</param>
    [SkipLocalsInit]
    public virtual void SumPair(byte* plane, byte* a, int words, nint stride, in StripInput input, short* sums)
    {
        byte* room = stackalloc byte[MostPlaneBytes + Line];
        byte* both = (byte*)AlignedLine(room);
        Sum(plane, words, stride, input, sums);
        PlaneBits.Xor(plane, a, words, stride, both, Line);
        Sum(both, words, Line, input, sums + TileRows);
        TileSums.Split(sums, sums + TileRows);
    }

    /// <summary>sums ← T₀, T₁, T₂, T₃: Σ ±q over the weights whose bits in a (lower) and b (upper) are that number. From W(plane), W(plane ⊕ a), W(plane ⊕ b), W(plane ⊕ a ⊕ b).</summary>
    /// <param name="plane">[words][128].</param>
    /// <param name="a">[words][128].</param>
    /// <param name="b">[words][128].</param>
    /// <param name="words">Columns ÷ 16, 1 to 8.</param>
    /// <param name="stride">Bytes from one line of a plane to the next.</param>
    /// <param name="input">The activations.</param>
    /// <param name="sums">[4][128], by lane.</param>
    [SkipLocalsInit]
    public virtual void SumQuad(byte* plane, byte* a, byte* b, int words, nint stride, in StripInput input, short* sums)
    {
        byte* room = stackalloc byte[(3 * MostPlaneBytes) + Line];
        byte* other = (byte*)AlignedLine(room);
        Sum(plane, words, stride, input, sums);
        PlaneBits.Xor(plane, a, words, stride, other, Line);
        Sum(other, words, Line, input, sums + TileRows);
        PlaneBits.Xor(plane, b, words, stride, other, Line);
        Sum(other, words, Line, input, sums + (2 * TileRows));
        PlaneBits.Xor(other, a, words, Line, stride, other, Line);
        Sum(other, words, Line, input, sums + (3 * TileRows));
        TileSums.Split(sums, sums + TileRows);
        TileSums.Split(sums + (2 * TileRows), sums + (3 * TileRows));
        TileSums.Split(sums, sums + (2 * TileRows));
        TileSums.Split(sums + TileRows, sums + (3 * TileRows));
    }

    /// <summary>sums[r] ← Σ_b 2^b · W(plane b), the planes following each other, lowest first.</summary>
    /// <param name="planes">[bits][words][128].</param>
    /// <param name="bits">1 to 8.</param>
    /// <param name="words">Columns ÷ 16, 1 to 8.</param>
    /// <param name="input">The activations.</param>
    /// <param name="sums">[128], by row.</param>
    [SkipLocalsInit]
    public virtual void SumCodes(byte* planes, int bits, int words, in StripInput input, int* sums)
    {
        int* room = stackalloc int[(TileRows / 2) + LineInts];
        short* plane = (short*)AlignedLine(room);
        new Span<int>(sums, TileRows).Clear();
        for (int b = 0; b < bits; b++)
        {
            Sum(planes + (b * words * WordBytes), words, Line, input, plane);
            TileSums.AddShifted(plane, b, sums);
        }
    }

    /// <summary>y ← y + (α · s) · W(plane), s the scale of the activations.</summary>
    /// <param name="plane">[words][128], signs.</param>
    /// <param name="words">Columns ÷ 16, 1 to 8.</param>
    /// <param name="input">The activations.</param>
    /// <param name="table">How row scales α are stored.</param>
    /// <param name="scales">The row scales.</param>
    /// <param name="y">[128], by row.</param>
    [SkipLocalsInit]
    public virtual void AddSigned(byte* plane, int words, in StripInput input, in ScaleTable table, byte* scales, float* y)
    {
        int* room = stackalloc int[(TileRows / 2) + LineInts];
        short* sums = (short*)AlignedLine(room);
        Sum(plane, words, Line, input, sums);
        TileSums.AddScaled(sums, table, scales, input.Scale, y);
    }
}
