using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Tests.Kernels;

/// <summary>Sums over bit planes: every kernel of this machine against the definition.</summary>
public sealed unsafe class PlaneKernelTests
{
    public static TheoryData<string> Names() => [.. DenseKernel.All.Where(k => k.IsAvailable).Select(k => k.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Sums_are_those_over_the_set_bits(string name)
    {
        PlaneKernel kernel = PlaneKernel.Of(DenseKernel.Choose(name));
        var random = new Random(3);
        for (int trial = 0; trial < 200; trial++)
        {
            int byteRows = 2 * random.Next(1, 9);
            var q = new sbyte[byteRows * PlaneKernel.ByteColumns];
            int spread = random.Next(3);
            for (int j = 0; j < q.Length; j++) q[j] = (sbyte)(spread == 0 ? random.Next(-128, 128) : spread == 1 ? -128 : 127);
            var plane = new byte[byteRows * PlaneKernel.TileRows];
            var mask = new byte[plane.Length];
            random.NextBytes(plane);
            random.NextBytes(mask);
            if (trial % 5 == 0) plane.AsSpan().Fill((byte)(trial % 2 == 0 ? 255 : 0));
            foreach (bool hasMask in (bool[])[false, true])
            {
                int[] sums = Sum(kernel, plane, hasMask ? mask : null, q, byteRows);
                for (int p = 0; p < PlaneKernel.TileRows; p++)
                {
                    int expected = 0;
                    for (int j = 0; j < q.Length; j++)
                    {
                        int at = ((j >> 3) * PlaneKernel.TileRows) + p;
                        int bits = plane[at] & (hasMask ? mask[at] : 255);
                        if ((bits >> (j & 7) & 1) != 0) expected += q[j];
                    }

                    Assert.Equal(expected, sums[PlaneKernel.RowOfLane(p)]);
                }
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Codes_and_marked_bits_are_summed_in_one_pass_as_plane_by_plane(string name)
    {
        PlaneKernel kernel = PlaneKernel.Of(DenseKernel.Choose(name));
        PlaneKernel definition = new PlaneKernelScalar();
        var random = new Random(5);
        for (int trial = 0; trial < 100; trial++)
        {
            int byteRows = 2 * random.Next(1, 9);
            int bits = random.Next(1, 9);
            var q = new sbyte[byteRows * PlaneKernel.ByteColumns];
            for (int j = 0; j < q.Length; j++) q[j] = (sbyte)(trial % 6 == 0 ? -128 : trial % 6 == 1 ? 127 : random.Next(-128, 128));
            byte[][] planes = [.. Enumerable.Range(0, bits).Select(_ => new byte[byteRows * PlaneKernel.TileRows])];
            foreach (byte[] plane in planes)
            {
                random.NextBytes(plane);
                if (trial % 4 == 0) plane.AsSpan().Fill(255);
            }

            int[] expected = new int[PlaneKernel.TileRows];
            for (int b = 0; b < bits; b++)
            {
                int[] ofPlane = Sum(definition, planes[b], null, q, byteRows);
                for (int r = 0; r < expected.Length; r++) expected[r] += ofPlane[r] << b;
            }

            int[] marked = [.. Sum(definition, planes[0], null, q, byteRows), .. Sum(definition, planes[0], planes[^1], q, byteRows), .. Sum(definition, planes[^1], null, q, byteRows)];
            var tables = new byte[byteRows * PlaneKernel.TableBytes];
            int[] sums = new int[PlaneKernel.TileRows];
            int[] three = new int[PlaneKernel.TileRows * 3];
            fixed (byte* all = planes.SelectMany(p => p).ToArray(), first = planes[0], last = planes[^1], table = tables)
            fixed (sbyte* values = q)
            fixed (int* result = sums, results = three)
            {
                ActivationTables.Build(values, byteRows, table);
                kernel.SumCodes(all, bits, table, byteRows, result, 0);
                kernel.SumMarked(first, last, table, byteRows, results, 0);
            }

            Assert.Equal(expected, sums);
            Assert.Equal(marked, three);
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
                int byteRows = 2 * random.Next(1, 9);
                float[] alpha = [.. Enumerable.Range(0, Rows).Select(r => r % 7 == 0 ? 0f : format.Round(MathF.ScaleB(random.NextSingle(), format.Exponent + random.Next(-16, 12))))];
                var q = new sbyte[byteRows * PlaneKernel.ByteColumns];
                for (int j = 0; j < q.Length; j++) q[j] = (sbyte)random.Next(-128, 128);
                var plane = new byte[byteRows * Rows];
                random.NextBytes(plane);
                int total = q.Sum(v => v);
                float[] y = [.. Enumerable.Range(0, Rows).Select(_ => random.NextSingle())];
                int[] plus = Sum(new PlaneKernelScalar(), plane, null, q, byteRows);
                float[] expected = [.. y.Select((v, r) => MathF.FusedMultiplyAdd(alpha[r] * s, (2 * plus[r]) - total, v))];
                var scales = new ScaleTable(format);
                var stored = new byte[scales.ByteCount];
                var tables = new byte[byteRows * PlaneKernel.TableBytes];
                fixed (byte* table = tables, bits = plane, scale = stored)
                fixed (sbyte* values = q)
                fixed (float* result = y)
                {
                    for (int r = 0; r < Rows; r++) scales.Write(scale, r, alpha[r]);
                    ActivationTables.Build(values, byteRows, table);
                    kernel.AddSigned(bits, byteRows, new StripInput(table, values, total, s, 0), scales, scale, result);
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
            int[] members = [.. salient.Select(own => own.Sum(j => q[j]))];
            var lists = new byte[SalientCodes.ByteCount([.. salient.Select(c => c.Length)])];
            int[] sums = new int[PlaneKernel.TileRows * 2];
            fixed (byte* list = lists)
            fixed (sbyte* values = q)
            fixed (int* result = sums)
            {
                SalientCodes.Write(list, salient, (r, j) => code[r, j]);
                SalientCodes.SumByDefinition(list, values, result, result + PlaneKernel.TileRows);
                Assert.Equal([.. codes, .. members], sums);
                sums.AsSpan().Clear();
                SalientCodes.SumByVectors(list, values, result, result + PlaneKernel.TileRows, 0);
                Assert.Equal([.. codes, .. members], sums);
            }
        }
    }

    private static int[] Sum(PlaneKernel kernel, byte[] plane, byte[]? mask, sbyte[] q, int byteRows)
    {
        var tables = new byte[byteRows * PlaneKernel.TableBytes];
        var sums = new int[PlaneKernel.TileRows];
        fixed (byte* planes = plane, masks = mask, table = tables)
        fixed (sbyte* values = q)
        fixed (int* result = sums)
        {
            Assert.Equal(q.Sum(v => v), ActivationTables.Build(values, byteRows, table));
            kernel.Sum(planes, masks, table, byteRows, result, 0);
        }

        return sums;
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
