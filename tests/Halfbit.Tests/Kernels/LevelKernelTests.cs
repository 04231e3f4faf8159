using System.Runtime.Intrinsics;
using Halfbit.Kernels;
using Halfbit.Numerics;

namespace Halfbit.Tests.Kernels;

/// <summary>Products and expansion of levels: every kernel of this machine against the definition.</summary>
public sealed unsafe class LevelKernelTests
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>The largest magnitude of 16 bits that has both signs.</summary>
    private const int Largest = short.MaxValue;

    public static TheoryData<string> Names() => [.. DenseKernel.All.Where(k => k.IsAvailable).Select(k => k.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Products_are_those_of_the_definition_bit_for_bit(string name)
    {
        LevelKernel kernel = LevelKernel.Of(DenseKernel.Choose(name));
        var random = new Random(11);
        for (int trial = 0; trial < 30; trial++)
        {
            int pairs = trial % 3 == 0 ? PlaneKernel.MostColumns / 2 : random.Next(1, 64);
            int tokens = trial % 4 == 0 ? 1 : random.Next(1, 30);
            bool isExtreme = trial % 5 < 2;
            int sign = trial % 5 == 0 ? 1 : -1;
            short[] levels = [.. Enumerable.Range(0, 2 * pairs * Rows).Select(_ => (short)(isExtreme ? Largest * sign : random.Next(-Largest, Largest + 1)))];
            short[] q = [.. Enumerable.Range(0, tokens * 2 * pairs).Select(_ => (short)(isExtreme ? -128 : random.Next(-128, 128)))];
            float[] units = [.. Enumerable.Range(0, Rows).Select(r => r % 9 == 0 ? 0f : MathF.ScaleB(random.NextSingle(), random.Next(-40, 10)))];
            float[] scales = [.. Enumerable.Range(0, tokens).Select(_ => MathF.ScaleB(random.NextSingle(), random.Next(-40, 10)))];
            float[] y = [.. Enumerable.Range(0, (tokens * Rows) + Rows).Select(_ => random.NextSingle() - 0.5f)];

            // The sums are made here in 64 bits, column by column, so that the definition is checked too; beyond the last row of y nothing changes.
            float[] expected = [.. y];
            for (int t = 0; t < tokens; t++)
            {
                for (int r = 0; r < Rows; r++)
                {
                    long sum = 0;
                    for (int j = 0; j < 2 * pairs; j++) sum += (long)levels[LevelKernel.PlaceOf(r, j, pairs)] * q[(t * 2 * pairs) + j];
                    ref float target = ref expected[(t * Rows) + r];
                    target = MathF.FusedMultiplyAdd(scales[t] * units[r], sum, target);
                }
            }

            fixed (short* level = levels, values = q)
            fixed (float* unit = units, scale = scales, result = y)
            {
                kernel.AddProduct(level, pairs, unit, values, scale, tokens, result);
            }

            Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), y.Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Codes_are_expanded_to_their_distance_from_the_zero_code(string name)
    {
        LevelKernel kernel = LevelKernel.Of(DenseKernel.Choose(name));
        var random = new Random(12);
        for (int trial = 0; trial < 32; trial++)
        {
            int bits = 1 + (trial % 8);
            int words = random.Next(1, 9);
            ushort[] planes = [.. Enumerable.Range(0, bits * words * Rows).Select(_ => (ushort)random.Next(1 << 16))];
            short[] zeros = [.. Enumerable.Range(0, Rows).Select(_ => (short)random.Next(trial % 3 == 0 ? -32000 : 0, trial % 3 == 0 ? 32000 : 256))];
            short[] levels = new short[words * PlaneKernel.WordColumns * Rows];
            fixed (ushort* plane = planes)
            fixed (short* zero = zeros, level = levels)
            {
                kernel.ExpandCodes((byte*)plane, bits, zero, words, level);
            }

            for (int p = 0; p < Rows; p++)
            {
                int row = PlaneKernel.RowOfLane(p);
                for (int j = 0; j < words * PlaneKernel.WordColumns; j++)
                {
                    int code = Enumerable.Range(0, bits).Sum(b => (planes[(((b * words) + (j / 16)) * Rows) + p] >> (j % 16) & 1) << b);
                    Assert.Equal(code - zeros[row], levels[LevelKernel.PlaceOf(row, j, words * 8)]);
                }
            }
        }
    }

    [Fact]
    public void Each_level_has_a_place_of_its_own()
    {
        const int Pairs = 11;
        IEnumerable<int> places = Enumerable.Range(0, Rows).SelectMany(r => Enumerable.Range(0, 2 * Pairs).Select(j => LevelKernel.PlaceOf(r, j, Pairs)));
        Assert.Equal(Enumerable.Range(0, Rows * 2 * Pairs), places.Order());
    }

    [Fact]
    public void Pairs_of_products_without_the_instruction_are_those_with_it()
    {
        var random = new Random(15);
        for (int trial = 0; trial < 50; trial++)
        {
            short[] a = [.. Enumerable.Range(0, 8).Select(_ => (short)random.Next(-Largest, Largest + 1))];
            short[] b = [.. Enumerable.Range(0, 8).Select(_ => (short)random.Next(-128, 128))];
            Vector128<int> sums = LevelKernel128.AddedPortably(Vector128.Create(a), Vector128.Create(b));
            for (int k = 0; k < 4; k++) Assert.Equal((a[2 * k] * b[2 * k]) + (a[(2 * k) + 1] * b[(2 * k) + 1]), sums[k]);
        }
    }
}
