using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Tests.Kernels;

/// <summary>Sums over bit planes: every kernel of this machine against the definition.</summary>
public sealed unsafe class PlaneKernelTests
{
    public static TheoryData<string> Names() => [.. DenseKernel.All.Where(k => k.IsAvailable).Select(k => k.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Sums_are_those_over_the_signs(string name)
    {
        PlaneKernel kernel = PlaneKernel.Of(DenseKernel.Choose(name));
        var random = new Random(3);
        for (int trial = 0; trial < 150; trial++)
        {
            int words = random.Next(1, 9);
            sbyte[] q = Activations(random, words, trial % 3);
            byte[][] planes = Planes(random, words, 3, trial % 5 == 0);
            fixed (byte* plane = planes[0], a = planes[1], b = planes[2])
            {
                byte* p = plane, withA = a, withB = b;
                short[] ByState(params byte[][] marks) => [.. Enumerable.Range(0, 1 << marks.Length).SelectMany(state => Definition(planes[0], q, marks, state))];
                Assert.Equal(ByState(), Run(kernel, q, 1, (input, sums) => kernel.Sum(p, words, PlaneKernel.Line, input, sums)));
                Assert.Equal(ByState(planes[1]), Run(kernel, q, 2, (input, sums) => kernel.SumPair(p, withA, words, PlaneKernel.Line, input, sums)));
                Assert.Equal(ByState(planes[1], planes[2]), Run(kernel, q, 4, (input, sums) => kernel.SumQuad(p, withA, withB, words, PlaneKernel.Line, input, sums)));
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Codes_are_summed_plane_by_plane(string name)
    {
        PlaneKernel kernel = PlaneKernel.Of(DenseKernel.Choose(name));
        var random = new Random(5);
        for (int trial = 0; trial < 100; trial++)
        {
            int words = random.Next(1, 9);
            int bits = random.Next(1, 9);
            sbyte[] q = Activations(random, words, trial % 3);
            byte[][] planes = Planes(random, words, bits, trial % 4 == 0);
            int[] expected = new int[PlaneKernel.TileRows];
            for (int b = 0; b < bits; b++)
            {
                short[] ofPlane = Definition(planes[b], q);
                for (int p = 0; p < expected.Length; p++) expected[PlaneKernel.RowOfLane(p)] += ofPlane[p] << b;
            }

            int[] codes = new int[PlaneKernel.TileRows];
            fixed (byte* all = planes.SelectMany(p => p).ToArray())
            fixed (int* result = codes)
            {
                byte* first = all;
                int* target = result;
                Run(kernel, q, 1, (input, _) => kernel.SumCodes(first, bits, words, input, target));
            }

            Assert.Equal(expected, codes);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Signed_sums_are_scaled_as_by_the_definition(string name)
    {
        PlaneKernel kernel = PlaneKernel.Of(DenseKernel.Choose(name));
        var random = new Random(6);
        const int Rows = PlaneKernel.TileRows;
        foreach (ScaleKind kind in (ScaleKind[])[ScaleKind.Exact, ScaleKind.Half, ScaleKind.Byte])
        {
            for (int trial = 0; trial < 60; trial++)
            {
                // Activations and scales of any size, subnormal ones too, and zeros.
                var format = new ScaleFormat(kind, kind == ScaleKind.Exact ? 0 : random.Next(-126, 40));
                float s = trial % 9 == 0 ? 0f : trial % 9 == 1 ? float.Epsilon * random.Next(1000) : MathF.ScaleB(random.NextSingle(), random.Next(-120, 60));
                int words = random.Next(1, 9);
                float[] alpha = [.. Enumerable.Range(0, Rows).Select(r => r % 7 == 0 ? 0f : format.Round(MathF.ScaleB(random.NextSingle(), format.Exponent + random.Next(-16, 12))))];
                sbyte[] q = Activations(random, words, 0);
                byte[] plane = Planes(random, words, 1, isFull: false)[0];
                float[] y = [.. Enumerable.Range(0, Rows).Select(_ => random.NextSingle())];
                var byRow = new short[Rows];
                foreach ((short sum, int p) in Definition(plane, q).Select((v, p) => (v, p))) byRow[PlaneKernel.RowOfLane(p)] = sum;
                float[] expected = [.. y.Select((v, r) => MathF.FusedMultiplyAdd(alpha[r] * s, byRow[r], v))];
                var scales = new ScaleTable(format);
                var stored = new byte[scales.ByteCount];
                fixed (byte* bits = plane, scale = stored)
                fixed (float* result = y)
                {
                    for (int r = 0; r < Rows; r++) scales.Write(scale, r, alpha[r]);
                    byte* at = bits, scaleAt = scale;
                    float* target = result;
                    Run(kernel, q, 1, (input, _) => kernel.AddSigned(at, words, new StripInput(input.Tables, input.Values, input.Total, s), scales, scaleAt, target));
                }

                Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), y.Select(BitConverter.SingleToInt32Bits));
            }
        }
    }

    [ListsFact]
    public void Salient_codes_are_multiplied_with_the_activations_of_their_columns()
    {
        var random = new Random(4);
        for (int trial = 0; trial < 100; trial++)
        {
            double share = trial % 10 == 0 ? trial / 10 % 2 : random.NextDouble();
            int columns = random.Next(1, PlaneKernel.MostColumns + 1);
            int[][] salient = [.. Enumerable.Range(0, PlaneKernel.TileRows).Select(_ => Enumerable.Range(0, columns).Where(_ => random.NextDouble() < share).ToArray())];
            int[,] code = new int[PlaneKernel.TileRows, columns];
            var q = new sbyte[PlaneKernel.MostColumns];
            for (int j = 0; j < q.Length; j++) q[j] = (sbyte)(trial % 7 == 0 ? -128 : random.Next(-128, 128));
            foreach ((int[] own, int r) in salient.Select((c, r) => (c, r)))
            {
                foreach (int j in own) code[r, j] = trial % 7 == 0 ? 255 : random.Next(256);
            }

            int[] codes = [.. salient.Select((own, r) => own.Sum(j => code[r, j] * q[j]))];
            short[] members = [.. Enumerable.Range(0, PlaneKernel.TileRows).Select(p => (short)salient[PlaneKernel.RowOfLane(p)].Sum(j => q[j]))];
            var lists = new byte[SalientCodes.ByteCount([.. salient.Select(c => c.Length)])];
            foreach (bool isFast in (bool[])[false, true])
            {
                var codeSums = new int[PlaneKernel.TileRows];
                var memberSums = new short[PlaneKernel.TileRows];
                fixed (byte* list = lists)
                fixed (sbyte* values = q)
                fixed (int* result = codeSums)
                fixed (short* ofMembers = memberSums)
                {
                    if (!isFast) SalientCodes.Write(list, salient, (r, j) => code[r, j]);
                    byte* end = isFast ? SalientCodes.SumByVectors(list, values, result, ofMembers) : SalientCodes.SumByDefinition(list, values, result, ofMembers);
                    Assert.Equal(lists.Length, end - list);
                }

                Assert.Equal(codes, codeSums);
                Assert.Equal(members, memberSums);
            }
        }
    }

    private delegate void Product(StripInput input, short* sums);

    /// <summary>Sums with the tables of some activations.</summary>
    private static short[] Run(PlaneKernel kernel, sbyte[] q, int sums, Product product)
    {
        var tables = new byte[(q.Length / PlaneKernel.WordColumns * PlaneKernel.MostTableBytes) + 64];
        var results = new short[sums * PlaneKernel.TileRows];
        fixed (byte* table = tables)
        fixed (sbyte* values = q)
        fixed (short* result = results)
        {
            var at = (byte*)PlaneKernel.AlignedLine(table);
            Assert.InRange(kernel.TableBytes, 1, PlaneKernel.MostTableBytes);
            int total = ActivationTables.Total(values, q.Length);
            Assert.Equal(q.Sum(v => v), total);
            kernel.BuildTables(values, q.Length / PlaneKernel.WordColumns, at);
            product(new StripInput(at, values, total, 1f), result);
        }

        return results;
    }

    private static short[] Definition(byte[] plane, sbyte[] q) => Definition(plane, q, [], 0);

    /// <summary>Σ ±q over the weights whose bits in some planes are those of a number.</summary>
    private static short[] Definition(byte[] plane, sbyte[] q, byte[][] marks, int state)
    {
        static int Bit(byte[] plane, int p, int j) => BitConverter.ToUInt16(plane, 2 * ((j / PlaneKernel.WordColumns * PlaneKernel.TileRows) + p)) >> (j % PlaneKernel.WordColumns) & 1;
        var sums = new int[PlaneKernel.TileRows];
        for (int p = 0; p < sums.Length; p++)
        {
            for (int j = 0; j < q.Length; j++)
            {
                if (marks.Where((mark, k) => Bit(mark, p, j) != (state >> k & 1)).Any()) continue;
                sums[p] += Bit(plane, p, j) != 0 ? q[j] : -q[j];
            }
        }

        return [.. sums.Select(s => checked((short)s))];
    }

    private static sbyte[] Activations(Random random, int words, int kind)
        => [.. Enumerable.Range(0, words * PlaneKernel.WordColumns).Select(_ => (sbyte)(kind == 0 ? random.Next(-128, 128) : kind == 1 ? -128 : 127))];

    private static byte[][] Planes(Random random, int words, int count, bool isFull)
    {
        byte[][] planes = [.. Enumerable.Range(0, count).Select(_ => new byte[words * PlaneKernel.WordBytes])];
        foreach (byte[] plane in planes)
        {
            random.NextBytes(plane);
            if (isFull) plane.AsSpan().Fill((byte)(random.Next(2) * 255));
        }

        return planes;
    }
}

/// <summary>A test of VPERMI2B.</summary>
internal sealed class ListsFactAttribute : FactAttribute
{
    public ListsFactAttribute()
    {
        if (!SalientCodes.IsFast) Skip = "this machine has no VPERMI2B; the definition is what runs";
    }
}
