using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Evaluation;

/// <summary>Random matrices of every form that the toolkit writes, for measuring: their numbers mean nothing, their layout is that of real ones.</summary>
public static class RandomForms
{
    private const int GroupSize = 128;
    private static readonly ScaleFormat Half = new(ScaleKind.Half, -14);

    /// <summary>Names of the forms, by how much they store.</summary>
    public static IReadOnlyList<string> Names { get; } = ["xnor", "sign", "4:8", "4:8-groups", "billm", "arb-rc", "pb-llm", "rtn2", "rtn3", "rtn4", "rtn8"];

    /// <summary>A matrix of a form.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="rows">Rows, ≥ 1.</param>
    /// <param name="columns">Columns, ≥ 1.</param>
    /// <param name="seed">Seed.</param>
    /// <exception cref="ArgumentException">An unknown form.</exception>
    public static QuantizedMatrix Create(string name, int rows, int columns, int seed = 1)
    {
        var maker = new Maker(rows, columns, new Random(seed));
        return name switch
        {
            "xnor" => maker.Signs(-1),
            "sign" => maker.Signs(GroupSize),
            "4:8" => maker.Grouped(0, 1, keepsHalf: true, hasColumnScales: false),
            "4:8-groups" => maker.Grouped(1, 3, keepsHalf: true, hasColumnScales: false),
            "billm" => maker.Grouped(1, 2, keepsHalf: false, hasColumnScales: false),
            "arb-rc" => maker.Grouped(2, 2, keepsHalf: false, hasColumnScales: true),
            "pb-llm" => maker.Mixed(),
            "rtn2" or "rtn3" or "rtn4" or "rtn8" => maker.Grid(name[3] - '0', GroupSize),
            _ => throw new ArgumentException($"'{name}' is no form of weights; known are {string.Join(", ", Names)}", nameof(name)),
        };
    }

    private sealed class Maker(int rows, int columns, Random random)
    {
        private const double SalientShare = 0.1;

        public SignMatrix Signs(int groupSize) => new(Bits(1, 2), groupSize, Scales(Half, ColumnRange.CountOf(columns, groupSize)), null, Half);

        public GridMatrix Grid(int bits, int groupSize)
        {
            int groups = ColumnRange.CountOf(columns, groupSize);
            var codes = new byte[rows * columns];
            random.NextBytes(codes);
            for (int k = 0; k < codes.Length; k++) codes[k] &= (byte)((1 << bits) - 1);
            return new GridMatrix(rows, columns, bits, codes, groupSize, Scales(Half, groups), [.. Enumerable.Range(0, rows * groups).Select(_ => (short)random.Next(1 << bits))], Half);
        }

        /// <summary>Signs with one weight in ten at eight bits.</summary>
        public MixedMatrix Mixed() => new(Bits(1, 10), Grid(8, -1), Signs(-1));

        public GroupedSignMatrix Grouped(int salientGroups, int otherGroups, bool keepsHalf, bool hasColumnScales)
        {
            ScaleFormat bytes = Half.ToByte();
            float[]? beta = hasColumnScales ? [.. Enumerable.Range(0, columns).Select(_ => 0.5f + random.NextSingle())] : null;
            SignGroup Group(int planes) => new()
            {
                Alpha = [.. Enumerable.Range(0, planes).Select(_ => Scales(bytes, ColumnRange.CountOf(columns, GroupSize)))],
                Beta = beta is null ? null : [.. Enumerable.Repeat(beta, planes)],
                HasByteScales = true,
                AlphaFormat = bytes,
            };
            bool[] isSalient = [.. Enumerable.Range(0, columns).Select(_ => salientGroups > 0 && random.NextDouble() < SalientShare)];
            var groupOf = new byte[rows * columns];
            random.NextBytes(groupOf);
            for (int k = 0; k < groupOf.Length; k++)
                groupOf[k] = isSalient[k % columns] ? (byte)(groupOf[k] % salientGroups) : (byte)(salientGroups + (groupOf[k] % otherGroups));
            return new GroupedSignMatrix(Bits(1, 2), [.. Enumerable.Range(0, salientGroups).Select(_ => Group(2)), .. Enumerable.Range(0, otherGroups).Select(_ => Group(1))], salientGroups, GroupSize)
            {
                SecondSigns = salientGroups > 0 ? Bits(1, 2) : null,
                IsSalient = salientGroups > 0 ? isSalient : null,
                GroupOf = salientGroups > 1 || otherGroups > 1 ? groupOf : null,
                Keep = keepsHalf ? HalfOfEight() : null,
                Pattern = keepsHalf ? new NOfM(4, 8) : null,
            };
        }

        private float[] Scales(ScaleFormat format, int groups) => [.. Enumerable.Range(0, rows * groups).Select(_ => format.Round(0.01f + (0.01f * random.NextSingle())))];

        /// <summary>Set with the chance <paramref name="part"/> in <paramref name="whole"/>.</summary>
        private BitMatrix Bits(int part, int whole)
        {
            var bits = new BitMatrix(rows, columns);
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++) bits[i, j] = random.Next(whole) < part;
            }

            return bits;
        }

        private BitMatrix HalfOfEight()
        {
            int[] patterns = [.. Enumerable.Range(0, 256).Where(p => BitOperations.PopCount((uint)p) == 4)];
            var keep = new BitMatrix(rows, columns);
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j += 8)
                {
                    // A run that the matrix cuts short keeps its first half.
                    int pattern = j + 8 <= columns ? patterns[random.Next(patterns.Length)] : (1 << ((columns - j + 1) / 2)) - 1;
                    for (int k = 0; k < Math.Min(8, columns - j); k++) keep[i, j + k] = (pattern >> k & 1) != 0;
                }
            }

            return keep;
        }
    }
}
