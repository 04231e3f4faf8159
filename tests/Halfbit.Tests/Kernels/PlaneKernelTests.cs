using Halfbit.Kernels;
using Halfbit.Numerics;

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
