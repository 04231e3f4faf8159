using System.Buffers.Binary;
using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Evaluation;

/// <summary>Random matrices of every form that the toolkit writes, for measuring: their numbers mean nothing, their layout is that of real ones.</summary>
/// <remarks>One column or weight in ten is salient, as in the defaults of the methods' papers. Bits are made 64 at a time.</remarks>
internal sealed class RandomForms
{
    private const int GroupSize = 128;

    /// <summary>Salient columns, or weights, of 128: 10 %.</summary>
    private const int SalientOf128 = 13;

    private static readonly ScaleFormat Half = new(ScaleKind.Half, -14);

    private readonly int rows;
    private readonly int columns;
    private ulong state;

    private RandomForms(int rows, int columns, int seed)
    {
        this.rows = rows;
        this.columns = columns;
        state = (ulong)seed;
    }

    /// <summary>Names of the forms, by how much they store.</summary>
    public static IReadOnlyList<string> Names { get; } = ["xnor", "sign", "4:8", "4:8-groups", "billm", "arb-rc", "pb-llm", "rtn2", "rtn3", "rtn4", "rtn8"];

    /// <summary>A matrix of a form; the same for the same arguments.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="rows">Rows, ≥ 1.</param>
    /// <param name="columns">Columns, ≥ 1.</param>
    /// <param name="seed">Seed.</param>
    /// <exception cref="ArgumentException">An unknown form.</exception>
    public static QuantizedMatrix Create(string name, int rows, int columns, int seed = 1)
    {
        var maker = new RandomForms(rows, columns, seed);
        return name switch
        {
            "xnor" => maker.Signs(-1, hasMeans: true),
            "sign" => maker.Signs(GroupSize, hasMeans: false),
            "4:8" => maker.Grouped(0, 1, keepsHalf: true, hasColumnScales: false),
            "4:8-groups" => maker.Grouped(1, 3, keepsHalf: true, hasColumnScales: false),
            "billm" => maker.Grouped(1, 2, keepsHalf: false, hasColumnScales: false),
            "arb-rc" => maker.Grouped(2, 2, keepsHalf: false, hasColumnScales: true),
            "pb-llm" => new MixedMatrix(maker.Bits(SalientOf128), maker.Grid(8, -1), maker.Signs(-1, hasMeans: true)),
            "rtn2" or "rtn3" or "rtn4" or "rtn8" => maker.Grid(name[3] - '0', GroupSize),
            _ => throw new ArgumentException($"'{name}' is no form of weights; known are {string.Join(", ", Names)}", nameof(name)),
        };
    }

    private SignMatrix Signs(int groupSize, bool hasMeans) => new(Bits(64), groupSize, Scales(Half, groupSize), hasMeans ? Scales(Half, groupSize) : null, Half);

    private GridMatrix Grid(int bits, int groupSize)
    {
        short[] zeros = new short[rows * ColumnRange.CountOf(columns, groupSize)];
        foreach (ref short zero in zeros.AsSpan()) zero = (short)(Next() >> (64 - bits));
        return new GridMatrix(rows, columns, bits, Bytes((1 << bits) - 1), groupSize, Scales(Half, groupSize), zeros, Half);
    }

    private GroupedSignMatrix Grouped(int salientGroups, int otherGroups, bool keepsHalf, bool hasColumnScales)
    {
        bool[]? isSalient = salientGroups > 0 ? SalientColumns() : null;
        float[]? beta = hasColumnScales ? new float[columns] : null;
        foreach (ref float b in beta.AsSpan()) b = (64 + (Next() >> 57)) / 128f;
        return new GroupedSignMatrix(Bits(64), [.. Enumerable.Range(0, salientGroups + otherGroups).Select(g => Group(g < salientGroups ? 2 : 1, beta))], salientGroups, GroupSize)
        {
            SecondSigns = salientGroups > 0 ? Bits(64) : null,
            IsSalient = isSalient,
            GroupOf = salientGroups > 1 || otherGroups > 1 ? Marks(isSalient, salientGroups, otherGroups) : null,
            Keep = keepsHalf ? HalfOfEight() : null,
            Pattern = keepsHalf ? new NOfM(4, 8) : null,
        };
    }

    private SignGroup Group(int planes, float[]? beta)
    {
        ScaleFormat bytes = Half.ToByte();
        return new SignGroup
        {
            Alpha = [.. Enumerable.Range(0, planes).Select(_ => Scales(bytes, GroupSize))],
            Beta = beta is null ? null : [.. Enumerable.Repeat(beta, planes)],
            BetaFormat = beta is null ? default : Half,
            HasByteScales = true,
            AlphaFormat = bytes,
        };
    }

    /// <summary>The same number in every 128 columns, at random places.</summary>
    private bool[] SalientColumns()
    {
        var isSalient = new bool[columns];
        foreach (ColumnRange block in ColumnRange.Split(columns, GroupSize))
        {
            for (int left = Math.Max(1, block.Count * SalientOf128 / GroupSize); left > 0;)
            {
                ref bool column = ref isSalient[block.Start + (int)(Next() % (ulong)block.Count)];
                if (!column) left--;
                column = true;
            }
        }

        return isSalient;
    }

    /// <summary>The group of each weight: salient groups in salient columns, the others elsewhere.</summary>
    private byte[] Marks(bool[]? isSalient, int salientGroups, int otherGroups)
    {
        byte[] marks = Bytes(255);
        for (int at = 0; at < marks.Length; at += columns)
        {
            Span<byte> row = marks.AsSpan(at, columns);
            for (int j = 0; j < row.Length; j++)
                row[j] = isSalient is not null && isSalient[j] ? (byte)(row[j] * salientGroups >> 8) : (byte)(salientGroups + (row[j] * otherGroups >> 8));
        }

        return marks;
    }

    /// <summary>[rows, groups], between 0.01 and 0.02.</summary>
    private float[] Scales(ScaleFormat format, int groupSize)
    {
        float[] some = [.. Enumerable.Range(0, 64).Select(k => format.Round(0.01f + (0.01f * k / 64)))];
        var scales = new float[rows * ColumnRange.CountOf(columns, groupSize)];
        foreach (ref float scale in scales.AsSpan()) scale = some[Next() >> 58];
        return scales;
    }

    /// <summary>Set with a chance of <paramref name="of128"/> in 128: the number of seven random bits that is below it.</summary>
    private BitMatrix Bits(int of128)
    {
        return Filled(() =>
        {
            ulong word = 0;
            for (int k = BitOperations.TrailingZeroCount(of128); k < 7; k++) word = (of128 >> k & 1) != 0 ? word | Next() : word & Next();
            return word;
        });
    }

    /// <summary>Four of every eight; a run that the matrix cuts short keeps the first half of what is left, rounded up.</summary>
    private BitMatrix HalfOfEight()
    {
        byte[] patterns = [.. Enumerable.Range(0, 256).Where(p => BitOperations.PopCount((uint)p) == 4).Select(p => (byte)p)];
        BitMatrix keep = Filled(() =>
        {
            ulong random = Next();
            ulong word = 0;
            for (int k = 0; k < 64; k += 8) word |= (ulong)patterns[(random >> k & 255) * (ulong)patterns.Length >> 8] << k;
            return word;
        });
        int rest = columns % 8;
        for (int i = 0; i < rows && rest > 0; i++)
        {
            for (int n = 0; n < rest; n++) keep[i, columns - rest + n] = n < (rest + 1) / 2;
        }

        return keep;
    }

    private BitMatrix Filled(Func<ulong> next)
    {
        var bits = new BitMatrix(rows, columns);
        ulong last = columns % 64 == 0 ? ulong.MaxValue : (1UL << (columns % 64)) - 1;
        for (int i = 0; i < rows; i++)
        {
            Span<ulong> row = bits.Row(i);
            foreach (ref ulong word in row) word = next();
            row[^1] &= last;
        }

        return bits;
    }

    /// <summary>[rows · columns], random bits of a mask.</summary>
    private byte[] Bytes(int mask)
    {
        var bytes = new byte[rows * columns];
        ulong all = 0x0101010101010101UL * (ulong)mask;
        Span<byte> rest = bytes;
        for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..]) BinaryPrimitives.WriteUInt64LittleEndian(rest, Next() & all);
        foreach (ref byte value in rest) value = (byte)((int)(Next() >> 56) & mask);
        return bytes;
    }

    /// <summary>64 random bits (splitmix64).</summary>
    private ulong Next()
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
