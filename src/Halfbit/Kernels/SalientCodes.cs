using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>
/// Salient codes of a strip as lists, a column and a code for each: rows with most of them first, 16 rows at a time, whose lists have the same length, a multiple of four.
/// </summary>
/// <remarks>
/// Layout: [128] row at each place; [8] lengths of the lists of 16 rows, in fours; up to a multiple of 64 nothing; then for each 16 rows and each four entries 64 columns and 64 codes, four of
/// a row next to each other. A column has <see cref="Present"/> added; entries without it, and with code 0, fill lists up.
/// </remarks>
internal static unsafe class SalientCodes
{
    /// <summary>Bytes before the first list.</summary>
    private const int HeaderBytes = (Rows + (Rows / Block) + Line - 1) / Line * Line;

    private const int Rows = PlaneKernel.TileRows;
    private const int Block = 16;
    private const int Four = 4;
    private const int Line = Block * Four;
    private const byte Present = 128;

    /// <summary>Whether vectors do the work.</summary>
    public static bool IsFast => Avx512Vbmi.IsSupported && PlaneKernel.Current is PlaneKernel512;

    /// <summary>Bytes of the lists of a tile.</summary>
    /// <param name="counts">[128], salient weights of each row.</param>
    public static int ByteCount(int[] counts)
    {
        int[] sorted = [.. counts.OrderDescending()];
        int bytes = HeaderBytes;
        for (int p = 0; p < Rows; p += Block) bytes += Fours(sorted[p]) * 2 * Line;
        return bytes;
    }

    /// <summary>Writes the lists of a tile.</summary>
    /// <param name="lists">Where to; zeroed.</param>
    /// <param name="columns">[128], the salient columns of each row, counted within the strip.</param>
    /// <param name="code">The code of a row and such a column.</param>
    public static void Write(byte* lists, int[][] columns, Func<int, int, int> code)
    {
        int[] order = [.. Enumerable.Range(0, Rows).OrderByDescending(r => columns[r].Length)];
        byte* at = lists + HeaderBytes;
        for (int p = 0; p < Rows; p += Block)
        {
            int fours = Fours(columns[order[p]].Length);
            lists[Rows + (p / Block)] = (byte)fours;
            for (int d = 0; d < Block; d++)
            {
                int row = order[p + d];
                lists[p + d] = (byte)row;
                for (int n = 0; n < columns[row].Length; n++)
                {
                    byte* entry = at + (n / Four * 2 * Line) + (d * Four) + (n % Four);
                    entry[0] = (byte)(columns[row][n] | Present);
                    entry[Line] = (byte)code(row, columns[row][n]);
                }
            }

            at += fours * 2 * Line;
        }
    }

    /// <summary>codes[r] ← Σ code · q and members[r] ← Σ q over the salient weights of row r.</summary>
    /// <param name="lists">The lists of a tile.</param>
    /// <param name="q">[columns], activations; 128 bytes can be read.</param>
    /// <param name="codes">[128], by row.</param>
    /// <param name="members">[128], by row.</param>
    /// <returns>The end of the lists.</returns>
    public static byte* Sum(byte* lists, sbyte* q, int* codes, int* members)
    {
        return IsFast ? SumByVectors(lists, q, codes, members) : SumByDefinition(lists, q, codes, members);
    }

    /// <summary>The definition.</summary>
    public static byte* SumByDefinition(byte* lists, sbyte* q, int* codes, int* members)
    {
        byte* at = lists + HeaderBytes;
        for (int p = 0; p < Rows; p += Block)
        {
            int fours = lists[Rows + (p / Block)];
            for (int d = 0; d < Block; d++)
            {
                (int code, int all) = (0, 0);
                for (int n = 0; n < fours * Four; n++)
                {
                    byte* entry = at + (n / Four * 2 * Line) + (d * Four) + (n % Four);
                    if (entry[0] < Present) break;
                    int value = q[entry[0] - Present];
                    code += entry[Line] * value;
                    all += value;
                }

                codes[lists[p + d]] = code;
                members[lists[p + d]] = all;
            }

            at += fours * 2 * Line;
        }

        return at;
    }

    /// <summary>64 entries at a time: one instruction finds their activations.</summary>
    public static byte* SumByVectors(byte* lists, sbyte* q, int* codes, int* members)
    {
        Vector512<sbyte> q0 = Vector512.Load(q);
        Vector512<sbyte> q1 = Vector512.Load(q + Line);
        Vector512<short> one = Vector512.Create((short)1);
        Vector512<short> lower = Vector512.Create((short)255);
        Vector512<byte> present = Vector512.Create(Present);
        int* room = stackalloc int[(2 * Block) + PlaneKernel.LineInts];
        int* block = (int*)PlaneKernel.AlignedLine(room);
        byte* at = lists + HeaderBytes;
        for (int p = 0; p < Rows; p += Block)
        {
            Vector512<int> code = default;
            Vector512<int> all = default;
            for (byte* end = at + (lists[Rows + (p / Block)] * 2 * Line); at < end; at += 2 * Line)
            {
                Vector512<byte> columns = Vector512.Load(at);
                Vector512<short> c = Vector512.Load(at + Line).AsInt16();
                Vector512<short> x = Avx512Vbmi.PermuteVar64x8x2(q0, columns.AsSByte(), q1).AsInt16();

                // Lane r: four columns of row r. A present one counts 128 times; two of them fit 16 bits.
                all += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(columns & present, x.AsSByte()), one);
                code += Avx512BW.MultiplyAddAdjacent(c & lower, (x << 8) >> 8) + Avx512BW.MultiplyAddAdjacent(c >>> 8, x >> 8);
            }

            code.Store(block);
            (all >> 7).Store(block + Block);
            for (int d = 0; d < Block; d++)
            {
                int row = lists[p + d];
                codes[row] = block[d];
                members[row] = block[Block + d];
            }
        }

        return at;
    }

    private static int Fours(int count) => (count + Four - 1) / Four;
}
