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

    [ExpansionFact]
    public void Salient_codes_are_spread_to_their_places()
    {
        var random = new Random(4);
        for (int trial = 0; trial < 100; trial++)
        {
            int byteRows = 2 * random.Next(1, 9);
            var keep = new byte[byteRows * PlaneKernel.TileRows];
            double share = random.NextDouble();
            for (int k = 0; k < keep.Length; k++)
            {
                for (int bit = 0; bit < 8; bit++) keep[k] |= (byte)(random.NextDouble() < share ? 1 << bit : 0);
            }

            var codes = new byte[(keep.Length * 8) + 64];
            random.NextBytes(codes);
            var q = new sbyte[byteRows * PlaneKernel.ByteColumns];
            for (int j = 0; j < q.Length; j++) q[j] = (sbyte)random.Next(-128, 128);
            var expected = new int[PlaneKernel.TileRows];
            var sums = new int[PlaneKernel.TileRows];
            fixed (byte* places = keep, code = codes)
            fixed (sbyte* values = q)
            fixed (int* definition = expected, result = sums)
            {
                SalientCodes.SumByDefinition(places, code, values, byteRows, definition);
                SalientCodes.SumByExpansion(places, code, values, byteRows, result);
            }

            Assert.Equal(expected, sums);
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

/// <summary>A test of VPEXPANDB.</summary>
internal sealed class ExpansionFactAttribute : FactAttribute
{
    public ExpansionFactAttribute()
    {
        if (!SalientCodes.IsFast) Skip = "this machine has no VPEXPANDB; the definition is what runs";
    }
}
