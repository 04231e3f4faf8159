using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>Salient codes of a strip, a byte each without gaps: for each eight lanes of a tile and each eight columns, lane by lane, lowest column first. Their places are the clear bits of a plane.</summary>
internal static unsafe class SalientCodes
{
    private const int Rows = PlaneKernel.TileRows;
    private const int Block = 8;

    /// <summary>Whether VPEXPANDB does the work.</summary>
    public static bool IsFast => Avx512Vbmi2.IsSupported && PlaneKernel.Current is PlaneKernel512;

    /// <summary>sums[r] ← Σ code · q over the salient weights of row r.</summary>
    /// <param name="keep">[byteRows][128], bits of weights that are not salient; set beyond the last column and row, too.</param>
    /// <param name="codes">The codes; 64 bytes more can be read.</param>
    /// <param name="q">[8 · byteRows], activations.</param>
    /// <param name="byteRows">Columns ÷ 8.</param>
    /// <param name="sums">[128], by row.</param>
    public static void Sum(byte* keep, byte* codes, sbyte* q, int byteRows, int* sums)
    {
        if (IsFast) SumByExpansion(keep, codes, q, byteRows, sums);
        else SumByDefinition(keep, codes, q, byteRows, sums);
    }

    /// <summary>The definition.</summary>
    public static void SumByDefinition(byte* keep, byte* codes, sbyte* q, int byteRows, int* sums)
    {
        new Span<int>(sums, Rows).Clear();
        for (int lane = 0; lane < Rows; lane += Block)
        {
            for (int k = 0; k < byteRows; k++)
            {
                for (int l = lane; l < lane + Block; l++)
                {
                    for (int bits = ~keep[(k * Rows) + l] & 255; bits != 0; bits &= bits - 1)
                        sums[PlaneKernel.RowOfLane(l)] += *codes++ * q[(k * PlaneKernel.ByteColumns) + BitOperations.TrailingZeroCount(bits)];
                }
            }
        }
    }

    /// <summary>Codes of eight lanes and eight columns are spread to their places by one instruction. Pairs of products stay within 16 bits when the activations are split, q = 2·⌊q / 2⌋ + (q mod 2).</summary>
    public static void SumByExpansion(byte* keep, byte* codes, sbyte* q, int byteRows, int* sums)
    {
        ulong* halves = stackalloc ulong[byteRows * 2];
        for (int k = 0; k < byteRows; k++)
        {
            Vector128<sbyte> eight = Vector128.CreateScalar(*(ulong*)(q + (k * PlaneKernel.ByteColumns))).AsSByte();
            halves[2 * k] = (eight >> 1).AsUInt64().ToScalar();
            halves[(2 * k) + 1] = (eight & Vector128.Create((sbyte)1)).AsUInt64().ToScalar();
        }

        // Byte b of a vector looks at bit b mod 8 of byte b / 8 of the eight mask bytes.
        Vector512<byte> select = Vector512.Create(0x8040201008040201).AsByte();
        Vector512<byte> spread = Vector512.Create(
            0UL, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303, 0x0404040404040404, 0x0505050505050505, 0x0606060606060606, 0x0707070707070707).AsByte();
        Vector512<short> two = Vector512.Create((short)2);
        Vector512<short> one = Vector512.Create((short)1);
        for (int lane = 0; lane < Rows; lane += Block)
        {
            Vector512<int> high = default;
            Vector512<short> low = default;
            for (int k = 0; k < byteRows; k++)
            {
                ulong places = ~*(ulong*)(keep + (k * Rows) + lane);
                Vector512<byte> isHere = Vector512.Equals(Avx512BW.Shuffle(Vector512.Create(places).AsByte(), spread) & select, select);
                Vector512<byte> values = Avx512Vbmi2.Expand(Vector512<byte>.Zero, isHere, Vector512.Load(codes));
                codes += BitOperations.PopCount(places);
                high += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(values, Vector512.Create(halves[2 * k]).AsSByte()), two);
                low += Avx512BW.MultiplyAddAdjacent(values, Vector512.Create(halves[(2 * k) + 1]).AsSByte());
            }

            // Two numbers for each lane.
            Vector512<int> both = high + Avx512BW.MultiplyAddAdjacent(low, one);
            for (int l = 0; l < Block; l++) sums[PlaneKernel.RowOfLane(lane + l)] = both.GetElement(2 * l) + both.GetElement((2 * l) + 1);
        }
    }
}
