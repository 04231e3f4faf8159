using System.Numerics;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Evaluation;

/// <summary>Random matrices for measuring are valid ones of their form, and every measured row is complete.</summary>
public sealed class KernelThroughputTests
{
    /// <summary>Forms with the bits that their planes take at least, scales not counted.</summary>
    public static TheoryData<string, double> Forms => new()
    {
        { "xnor", 1 }, { "sign", 1 }, { "4:8", 2 }, { "4:8-groups", 4 }, { "billm", 2 }, { "arb-rc", 2 }, { "pb-llm", 2 }, { "rtn2", 2 }, { "rtn3", 3 }, { "rtn4", 4 }, { "rtn8", 8 },
    };

    [Fact]
    public void Every_form_is_tested() => Assert.Equal(KernelThroughput.Forms, Forms.Select(f => (string)f[0]));

    [Theory, MemberData(nameof(Forms))]
    public void A_measured_row_is_complete_and_positive(string form, double planeBits)
    {
        var throughput = new KernelThroughput(1 << 20) { PromptRows = 3, Turns = 2, TurnSeconds = 1e-4 };
        IReadOnlyList<KernelRow> rows = throughput.Measure(form, 256, 260, [2, 1], form == "billm" ? ActivationPrecision.Exact : ActivationPrecision.EightBits);
        Assert.Equal([2, 1], rows.Select(r => r.Threads));
        foreach (KernelRow row in rows)
        {
            Assert.Equal((form, 256, 260, 3), (row.Form, row.Rows, row.Columns, row.PromptRows));
            Assert.InRange(row.BitsPerWeight, planeBits, (2.5 * planeBits) + 2);
            foreach (double number in (double[])[row.ReadBandwidth, row.WeightsPerSecond, row.DenseWeightsPerSecond, row.PromptFlops, row.DensePromptFlops, row.Share, row.Ratio, row.PromptRatio])
                Assert.True(double.IsFinite(number) && number > 0, $"{row}");
        }
    }

    [Fact]
    public void An_unknown_form_names_those_known()
        => Assert.Contains("xnor, sign, 4:8", Assert.Throws<ArgumentException>(() => new KernelThroughput(1 << 20).Measure("foo", 8, 8, [1])).Message, StringComparison.Ordinal);

    [Theory, MemberData(nameof(Forms))]
    public void Random_matrices_can_be_packed_and_expand_to_themselves(string form, double planeBits)
    {
        foreach ((int rows, int columns) in ((int, int)[])[(40, 384), (7, 203), (3, 5)])
        {
            QuantizedMatrix matrix = RandomForms.Create(form, rows, columns);
            var packed = new PackedMatrix(Packer.Pack(matrix));
            Matrix expected = Matrix.Expand(matrix);
            Assert.Equal(expected.Data, Matrix.Expand(packed).Data);
            Assert.Equal(expected.Data, Matrix.Expand(RandomForms.Create(form, rows, columns)).Data);
            if (rows == 40) Assert.InRange(expected.Data.Distinct().Count(), Math.Pow(2, planeBits / 2), int.MaxValue);
        }
    }

    [Fact]
    public void Shares_are_those_of_the_methods()
    {
        var pattern = (GroupedSignMatrix)RandomForms.Create("4:8", 100, 203);
        Assert.Equal(new NOfM(4, 8), pattern.Pattern);
        for (int i = 0; i < 100; i++)
        {
            foreach (ulong word in pattern.Keep!.Row(i)[..3]) Assert.All(Enumerable.Range(0, 8), k => Assert.Equal(4, BitOperations.PopCount(word >> (8 * k) & 255)));
            Assert.Equal(4 + 2, BitOperations.PopCount(pattern.Keep.Row(i)[3])); // a run of eight, and one of three of which two are kept
        }

        var mixed = (MixedMatrix)RandomForms.Create("pb-llm", 512, 1024);
        Assert.InRange(mixed.IsSalient.CountSet() / (512.0 * 1024), 0.100, 0.1035); // 13 of 128; three standard deviations
        var grouped = (GroupedSignMatrix)RandomForms.Create("arb-rc", 64, 1024);
        Assert.Equal(8 * 13, grouped.IsSalient!.Count(s => s));
        Assert.Equal([0, 1, 2, 3], grouped.GroupOf!.Distinct().Order().Select(g => (int)g));
    }
}
