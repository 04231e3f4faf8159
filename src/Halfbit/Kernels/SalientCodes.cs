using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>
/// Salient codes of a strip as lists, a column and a code for each: rows with most of them first, 16 rows at a time, whose lists have the same length, a multiple of four.
/// </summary>
/// <remarks>
/// Layout: [128] the place of each lane's row (<see cref="PlaneKernel.RowOfLane"/>); [8] lengths of the lists of 16 places, in fours; up to a multiple of 64 nothing; then for each 16 places and
/// each four entries 64 columns and 64 codes, four of a row next to each other. A column has <see cref="Present"/> added; entries without it, and with code 0, fill lists up.
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
        for (int lane = 0; lane < Rows; lane++) lists[lane] = (byte)Array.IndexOf(order, PlaneKernel.RowOfLane(lane));
        byte* at = lists + HeaderBytes;
        for (int p = 0; p < Rows; p += Block)
        {
            int fours = Fours(columns[order[p]].Length);
            lists[Rows + (p / Block)] = (byte)fours;
            for (int d = 0; d < Block; d++)
            {
                int row = order[p + d];
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

    /// <summary>codes[r] ← Σ code · q and members ← Σ q over the salient weights of a row.</summary>
    /// <param name="lists">The lists of a tile.</param>
    /// <param name="q">[columns], activations; 128 bytes can be read.</param>
    /// <param name="codes">[128], by row.</param>
    /// <param name="members">[128], by lane.</param>
    /// <returns>The end of the lists.</returns>
    public static byte* Sum(byte* lists, sbyte* q, int* codes, short* members) => IsFast ? SumByVectors(lists, q, codes, members) : SumByDefinition(lists, q, codes, members);

    /// <summary>The definition.</summary>
    public static byte* SumByDefinition(byte* lists, sbyte* q, int* codes, short* members)
    {
        int* codesByPlace = stackalloc int[Rows];
        int* membersByPlace = stackalloc int[Rows];
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

                (codesByPlace[p + d], membersByPlace[p + d]) = (code, all);
            }

            at += fours * 2 * Line;
        }

        for (int lane = 0; lane < Rows; lane++)
        {
            codes[PlaneKernel.RowOfLane(lane)] = codesByPlace[lists[lane] % Rows];
            members[lane] = (short)membersByPlace[lists[lane] % Rows];
        }

        return at;
    }

    /// <summary>64 entries at a time: one instruction finds their activations. Sums are then brought from places to lanes, as numbers of 16 bits.</summary>
    [SkipLocalsInit]
    public static byte* SumByVectors(byte* lists, sbyte* q, int* codes, short* members)
    {
        Vector512<sbyte> q0 = Vector512.Load(q);
        Vector512<sbyte> q1 = Vector512.Load(q + Line);
        int* room = stackalloc int[(Rows / 2 * 3) + PlaneKernel.LineInts];
        short* all = (short*)PlaneKernel.AlignedLine(room);
        short* lower = all + Rows;
        short* upper = lower + Rows;
        byte* at = lists + HeaderBytes;
        for (int p = 0; p < Rows; p += 2 * Block)
        {
            (Vector512<int> firstCodes, Vector512<int> first) = SumBlock(ref at, lists[Rows + (p / Block)], q0, q1);
            (Vector512<int> secondCodes, Vector512<int> second) = SumBlock(ref at, lists[Rows + (p / Block) + 1], q0, q1);
            Vector512.Narrow(first, second).Store(all + p);
            Vector512.Narrow(firstCodes, secondCodes).Store(lower + p);
            Vector512.Narrow(firstCodes >> 16, secondCodes >> 16).Store(upper + p);
        }

        for (int lane = 0; lane < Rows; lane += 2 * Block)
        {
            Vector512<ushort> place = Avx512BW.ConvertToVector512UInt16(Vector256.Load(lists + lane));
            Vector512<ushort> isLate = Vector512.GreaterThan(place & Vector512.Create((ushort)64), Vector512<ushort>.Zero);
            At(all, place, isLate).AsInt16().Store(members + lane);
            Vector512<int> low = At(lower, place, isLate).AsInt32();
            Vector512<int> high = At(upper, place, isLate).AsInt32();
            ((low & Vector512.Create(0xFFFF)) | (high << 16)).Store(codes + lane);
            ((low >>> 16) | (high & Vector512.Create(unchecked((int)0xFFFF0000)))).Store(codes + lane + Block);
        }

        return at;
    }

    /// <summary>Σ code · q and Σ q of 16 places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<int> Codes, Vector512<int> All) SumBlock(ref byte* at, int fours, Vector512<sbyte> q0, Vector512<sbyte> q1)
    {
        Vector512<int> code = default;
        Vector512<int> all = default;
        for (byte* end = at + (fours * 2 * Line); at < end; at += 2 * Line)
        {
            Vector512<byte> columns = Vector512.Load(at);
            Vector512<short> c = Vector512.Load(at + Line).AsInt16();
            Vector512<short> x = Avx512Vbmi.PermuteVar64x8x2(q0, columns.AsSByte(), q1).AsInt16();

            // Lane r: four columns of row r. A present one counts 128 times; two of them fit 16 bits.
            all += Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(columns & Vector512.Create(Present), x.AsSByte()), Vector512<short>.One);
            code += Avx512BW.MultiplyAddAdjacent(c & Vector512.Create((short)255), (x << 8) >> 8) + Avx512BW.MultiplyAddAdjacent(c >>> 8, x >> 8);
        }

        return (code, all >> 7);
    }

    /// <summary>The numbers at some of 128 places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> At(short* numbers, Vector512<ushort> place, Vector512<ushort> isLate)
    {
        ushort* from = (ushort*)numbers;
        return Vector512.ConditionalSelect(
            isLate,
            Avx512BW.PermuteVar32x16x2(Vector512.Load(from + 64), place, Vector512.Load(from + 96)),
            Avx512BW.PermuteVar32x16x2(Vector512.Load(from), place, Vector512.Load(from + 32)));
    }

    /// <summary>Bytes of the lists of a tile, as they say themselves.</summary>
    public static int ByteCount(byte* lists)
    {
        int fours = 0;
        for (int k = 0; k < Rows / Block; k++) fours += lists[Rows + k];
        return HeaderBytes + (fours * 2 * Line);
    }

    /// <summary>The columns, counted within the strip, and codes of a row.</summary>
    /// <param name="lists">The lists of a tile.</param>
    /// <param name="row">0 to 127.</param>
    public static (int Column, int Code)[] Read(nint lists, int row)
    {
        byte* start = (byte*)lists;
        int place = start[HalfScales.PlaceOf(row)];
        byte* at = start + HeaderBytes + (place % Block * Four);
        for (int k = 0; k < place / Block; k++) at += start[Rows + k] * 2 * Line;
        var entries = new List<(int Column, int Code)>();
        for (int fours = start[Rows + (place / Block)]; fours > 0; fours--, at += 2 * Line)
        {
            for (int n = 0; n < Four && at[n] >= Present; n++) entries.Add((at[n] - Present, at[Line + n]));
        }

        return [.. entries];
    }

    /// <summary>What is wrong with the lists of a tile; null: nothing.</summary>
    /// <param name="lists">The lists.</param>
    /// <param name="bytes">Bytes that may be read.</param>
    /// <param name="columns">Columns of the strip.</param>
    public static string? Problem(byte* lists, long bytes, int columns)
    {
        if (bytes < HeaderBytes) return $"a list of salient codes has {bytes} bytes, at least {HeaderBytes} are needed";
        UInt128 places = 0;
        for (int lane = 0; lane < Rows; lane++) places |= lists[lane] < Rows ? UInt128.One << lists[lane] : 0;
        if (places != UInt128.MaxValue) return "the places of a list of salient codes are no permutation of 0 to 127";
        for (int k = 0; k < Rows / Block; k++)
        {
            if (lists[Rows + k] > Fours(columns)) return $"a row has {lists[Rows + k] * Four} salient codes, the strip {columns} columns";
        }

        if (ByteCount(lists) > bytes) return $"the lists of salient codes take {ByteCount(lists)} bytes, the record has {bytes}";
        byte* at = lists + HeaderBytes;
        for (int k = 0; k < Rows / Block; k++)
        {
            ulong open = ulong.MaxValue; // rows whose list has not ended, at the first of their four bits
            for (int fours = lists[Rows + k]; fours > 0; fours--, at += 2 * Line)
            {
                Vector512<byte> entries = Vector512.Load(at);
                Vector512<byte> absent = Vector512.LessThan(entries, Vector512.Create(Present));
                if (Vector512.GreaterThanAny(entries & ~absent, Vector512.Create((byte)(Present + columns - 1)))) return $"a salient code is beyond the {columns} columns of its strip";
                if (((entries | Vector512.Load(at + Line)) & absent) != Vector512<byte>.Zero) return "the end of a list of salient codes is not empty";
                ulong present = ~absent.ExtractMostSignificantBits();
                const ulong First = 0x1111111111111111;
                if ((present & ~((present << 1) & ~First) & ~(open & First)) != 0) return "a list of salient codes has gaps";
                open = present >> (Four - 1) & First;
            }
        }

        return null;
    }

    private static int Fours(int count) => (count + Four - 1) / Four;
}
