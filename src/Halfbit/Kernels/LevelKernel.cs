using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Products of many rows of activations with weights that were expanded to 16-bit integers, "levels": the prompt's counterpart of <see cref="PlaneKernel"/> for codes on a grid.</summary>
/// <remarks>
/// A weight is unit · level, one unit for each row of a tile; an activation is scale · q, |q| ≤ 128. Sums over the 128 columns of a strip are exact integers of 32 bits, so every kernel gives
/// the same, and the epilogue is the same fused multiply-add everywhere. Levels lie in two panels of 64 rows, [2][pairs][64][2]: for each pair of adjacent columns the two levels of 64 rows, so
/// that a vector holds pairs of consecutive rows, and a panel of 128 columns takes 16 KB, half a first-level cache.
/// </remarks>
internal abstract unsafe class LevelKernel
{
    private static readonly Lazy<LevelKernel> Chosen = new(() => Of(DenseKernel.Current));

    /// <summary>Rows of a panel.</summary>
    public const int PanelRows = Rows / 2;

    /// <summary>Levels of a panel for one pair of columns.</summary>
    public const int PairLevels = 2 * PanelRows;

    /// <summary>Levels of a tile and a strip, at most.</summary>
    public const int MostLevels = Rows * PlaneKernel.MostColumns;

    /// <summary>Rows of a tile.</summary>
    protected const int Rows = PlaneKernel.TileRows;

    /// <summary>Pairs of columns whose bits are in one word.</summary>
    protected const int WordPairs = PlaneKernel.WordColumns / 2;

    private const int Lanes = 8;

    /// <summary>The kernel for the instruction set that dense products use too (HALFBIT_KERNEL).</summary>
    /// <exception cref="ArgumentException">As <see cref="DenseKernel.Current"/>.</exception>
    public static LevelKernel Current => Chosen.Value;

    /// <summary>The kernel for an instruction set.</summary>
    public static LevelKernel Of(DenseKernel.Choice choice) => choice.Name switch
    {
        "avx512" when LevelKernel512.IsSupported => new LevelKernel512(),
        "avx512" or "avx2" => new LevelKernel256(),
        "vector128" => new LevelKernel128(),
        _ => new LevelKernelScalar(),
    };

    /// <summary>Rows of X from which on codes of some bits are faster as levels than in planes, as measured: not before expanding pays, and never where planes are so few that lookups take less time.</summary>
    /// <param name="bits">Bits of a code.</param>
    public abstract int LeastTokens(int bits);

    /// <summary>Where the level of a row and column is.</summary>
    /// <param name="row">Row within the tile.</param>
    /// <param name="column">Column within the strip.</param>
    /// <param name="pairs">Columns of the strip ÷ 2.</param>
    public static int PlaceOf(int row, int column, int pairs) => (((row / PanelRows * pairs) + (column / 2)) * PairLevels) + (row % PanelRows * 2) + (column % 2);

    /// <summary>y[t][r] ← fma(scale[t] · unit[r], Σⱼ level[r][j] · q[t][j], y[t][r]).</summary>
    /// <param name="levels">[2][pairs][64][2]; see <see cref="PlaceOf"/>.</param>
    /// <param name="pairs">Columns ÷ 2, 1 to 64.</param>
    /// <param name="units">[128], by row.</param>
    /// <param name="q">[tokens][2 · pairs], −128 to 127.</param>
    /// <param name="scales">[tokens].</param>
    /// <param name="tokens">Rows of activations, at least 1.</param>
    /// <param name="y">[tokens][128], by row.</param>
    public abstract void AddProduct(short* levels, int pairs, float* units, short* q, float* scales, int tokens, float* y);

    /// <summary>level ← code − zero.</summary>
    /// <param name="planes">[bits][words][128], the bits of codes, lowest first, by lane as in <see cref="PlaneKernel"/>.</param>
    /// <param name="bits">1 to 8.</param>
    /// <param name="zeros">[128], by row.</param>
    /// <param name="words">Columns ÷ 16.</param>
    /// <param name="levels">[2][8 · words][64][2].</param>
    /// <remarks>
    /// The words of eight rows lie in 32 bits as they are and 15 bits further, so that of a pair of columns one bit is in each half: what comes out are levels as they are stored.
    /// Each plane, highest first, makes a code twice what it was and its bit.
    /// </remarks>
    public virtual void ExpandCodes(byte* planes, int bits, short* zeros, int words, short* levels)
    {
        int planeBytes = words * PlaneKernel.WordBytes;
        byte* highest = planes + ((bits - 1) * planeBytes);
        for (int row = 0; row < Rows; row += Lanes)
        {
            // Words in the upper halves of lanes belong to rows 16 further.
            byte* plane = highest + (row / 32 * 64) + (row % 16 * sizeof(int));
            int upper = row & 16;
            Vector256<int> low = Vector256.WidenLower(Vector128.Load(zeros + row).ToVector256Unsafe()) & Vector256.Create(0xFFFF);
            Vector256<short> zero = (low | (low << 16)).AsInt16();
            short* target = levels + PlaceOf(row, 0, words * WordPairs);
            for (int k = 0; k < words; k++, plane += PlaneKernel.WordBytes, target += WordPairs * PairLevels)
            {
                Vector256<uint> code0 = default, code1 = default, code2 = default, code3 = default, code4 = default, code5 = default, code6 = default, code7 = default;
                byte* of = plane;
                for (int b = 0; b < bits; b++, of -= planeBytes)
                {
                    Vector256<uint> word = (Vector256.Load((uint*)of) >> upper) & Vector256.Create(0xFFFFu);
                    word |= word << 15;
                    code0 = Next(code0, word);
                    code1 = Next(code1, word >> 2);
                    code2 = Next(code2, word >> 4);
                    code3 = Next(code3, word >> 6);
                    code4 = Next(code4, word >> 8);
                    code5 = Next(code5, word >> 10);
                    code6 = Next(code6, word >> 12);
                    code7 = Next(code7, word >> 14);
                }

                (code0.AsInt16() - zero).Store(target);
                (code1.AsInt16() - zero).Store(target + PairLevels);
                (code2.AsInt16() - zero).Store(target + (2 * PairLevels));
                (code3.AsInt16() - zero).Store(target + (3 * PairLevels));
                (code4.AsInt16() - zero).Store(target + (4 * PairLevels));
                (code5.AsInt16() - zero).Store(target + (5 * PairLevels));
                (code6.AsInt16() - zero).Store(target + (6 * PairLevels));
                (code7.AsInt16() - zero).Store(target + (7 * PairLevels));
            }
        }
    }

    /// <summary>2 · code + the lowest bit of each half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Next(Vector256<uint> code, Vector256<uint> bits) => (code + code) | (bits & Vector256.Create(0x00010001u));
}
