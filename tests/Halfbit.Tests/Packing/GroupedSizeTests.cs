using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

/// <summary>What grouped signs cost, against bounds from information theory.</summary>
public sealed class GroupedSizeTests
{
    [Theory, InlineData(2, 4, 0.6475), InlineData(4, 8, 0.7690), InlineData(5, 8, 0.7276), InlineData(6, 8, 0.6030)]
    public void The_positions_of_a_pattern_cost_the_logarithm_of_their_number(int n, int m, double most)
    {
        GroupedSignMatrix matrix = new RandomGroups(0, 1, 1, 1, new NOfM(n, m)) { GroupSize = 128 }.Create(new Random(1), 256, 2048);
        var packed = new PackedMatrix(Packer.Pack(matrix));
        Assert.InRange(Bits(packed, "kept positions"), Math.Log2(Choices(n, m)) / m, most);
        Assert.Equal((double)n / m, Bits(packed, "signs"), 1e-9);
    }

    [Fact]
    public void A_mask_of_four_of_eight_costs_less_than_0_77_bit_and_nothing_is_hidden()
    {
        GroupedSignMatrix matrix = new RandomGroups(0, 1, 1, 1, new NOfM(4, 8), Kind: ScaleKind.Byte) { GroupSize = 128 }.Create(new Random(2), 256, 2048);
        double bits = Packer.TrueBits(matrix);
        Assert.Equal(8.0 * Packer.Pack(matrix).Length / (256 * 2048), bits);
        Assert.InRange(bits, 0.5 + 0.766 + (8.0 / 128), 0.5 + 0.77 + (8.0 / 128));
    }

    [Theory, InlineData(0.1, false), InlineData(0.1, true), InlineData(0.5, false), InlineData(0.02, true)]
    public void Marks_cost_the_entropy_of_their_split_among_kept_weights_only(double share, bool isPruned)
    {
        var random = new Random(3);
        (int rows, int columns) = (256, 2048);
        GroupedSignMatrix matrix = new RandomGroups(0, 2, 1, 1, isPruned ? new NOfM(4, 8) : null) { GroupSize = 128 }.Create(random, rows, columns);
        for (int k = 0; k < matrix.GroupOf!.Length; k++) matrix.GroupOf[k] = (byte)(random.NextDouble() < share ? 1 : 0);
        var packed = new PackedMatrix(Packer.Pack(matrix));
        double kept = isPruned ? 0.5 : 1;
        double entropy = -(share * Math.Log2(share)) - ((1 - share) * Math.Log2(1 - share));
        double bits = Bits(packed, "masks") + Bits(packed, "mask classes");
        Assert.InRange(bits, (entropy - 0.005) * kept, ((entropy + 0.006) * kept) + (8 * 16 * 24.0 / (rows * columns)));
    }

    [Fact]
    public void Only_salient_columns_spend_a_second_sign()
    {
        GroupedSignMatrix matrix = new RandomGroups(1, 2, 2, 1) { GroupSize = 128 }.Create(new Random(4), 128, 1024);
        int salient = matrix.IsSalient!.Count(s => s);
        PackedSection second = new PackedMatrix(Packer.Pack(matrix)).Sections.Single(s => s.Name == "second signs");
        Assert.Equal(128 * salient / 8, second.ByteCount);
    }

    [Fact]
    public void Kept_weights_that_gather_in_columns_are_coded_where_that_is_shorter_than_their_ranks()
    {
        // The same four of eight nearly everywhere: two bits per run tell almost nothing.
        var random = new Random(5);
        GroupedSignMatrix matrix = new RandomGroups(0, 1, 1, 1, new NOfM(4, 8)).Create(random, 256, 512);
        for (int i = 0; i < 256; i++)
        {
            for (int j = 0; j < 512; j++) matrix.Keep![i, j] = j % 8 < 4;
            if (i % 9 == 0) (matrix.Keep![i, 8 * (i % 60)], matrix.Keep![i, (8 * (i % 60)) + 7]) = (false, true);
        }

        byte[] blob = Packer.Pack(matrix);
        Assert.Equal((int)KeepEncoding.Coded, blob[28]);
        Assert.True(8.0 * blob.Length < new PackedMatrix(GroupedPacker.Pack(matrix, KeepEncoding.Runs)).ByteCount * 8.0 * 0.8);
    }

    [Fact]
    public void A_small_matrix_carries_little_besides_its_contents()
    {
        // [128, 384] in the manner of BiLLM: 1 group for salient columns, 2 for others, no means.
        GroupedSignMatrix matrix = new RandomGroups(1, 2, 2, 1, Kind: ScaleKind.Byte) { GroupSize = 128 }.Create(new Random(6), 128, 384);
        var packed = new PackedMatrix(Packer.Pack(matrix));
        string[] contents = ["signs", "second signs", "scales", "coded scales", "masks"];
        double rest = 8.0 * packed.Sections.Where(s => !contents.Contains(s.Name)).Sum(s => s.ByteCount) / (128 * 384);
        Assert.InRange(rest, 0, 0.03 + Bits(packed, "mask classes"));
    }

    /// <summary>Scales of a row differ by 8 %, rows by 30 %, and groups of a place by 8 %: most of a byte can be foretold.</summary>
    [Theory, InlineData(96, 32, 4.1), InlineData(256, 3, 4.3), InlineData(128, 1, 4.8)]
    public void Row_scales_in_bytes_are_coded_in_half_a_byte_each(int rows, int blocks, double most)
    {
        var random = new Random(7);
        var format = new ScaleFormat(ScaleKind.Byte, -12);
        double[] row = [.. Enumerable.Range(0, rows).Select(_ => 0.02 * Math.Exp(0.3 * RandomMatrices.Normal(random)))];
        double[] place = [.. Enumerable.Range(0, rows * blocks).Select(k => row[k / blocks] * Math.Exp(0.08 * RandomMatrices.Normal(random)))];
        float[] Alpha(double size) => [.. place.Select(v => format.Round((float)(size * v * Math.Exp(0.08 * RandomMatrices.Normal(random)))))];
        SignGroup Group(params float[][] alpha) => new() { Alpha = alpha, HasByteScales = true, AlphaFormat = format };
        var matrix = new GroupedSignMatrix(RandomMatrices.Mask(random, rows, 64 * blocks, 0.5), [Group(Alpha(1), Alpha(0.4)), Group(Alpha(1)), Group(Alpha(2.2)), Group(Alpha(5))], 1, 64)
        {
            IsSalient = [.. Enumerable.Range(0, 64 * blocks).Select(j => j % 16 == 3)],
            SecondSigns = RandomMatrices.Mask(random, rows, 64 * blocks, 0.5),
            GroupOf = [.. Enumerable.Range(0, rows * 64 * blocks).Select(k => (byte)(k % 16 == 3 ? 0 : random.Next(1, 4)))],
        };
        var packed = new PackedMatrix(Packer.Pack(matrix));
        PackedSection coded = packed.Sections.Single(s => s.Name == "coded scales");
        Assert.DoesNotContain("scales", packed.Sections.Select(s => s.Name));
        Assert.InRange(8.0 * coded.ByteCount / (5 * rows * blocks), 2, most);
        Logical.AssertSameBits(Logical.Rows(matrix, 0, rows, 64 * blocks), Logical.Rows(packed, 0, rows, 64 * blocks));
        Logical.AssertSameBits(Logical.Rows(matrix, 70, 20, 64 * blocks), Logical.Rows(new PackedMatrix(Packer.Pack(packed.Unpack())), 70, 20, 64 * blocks));
    }

    [Fact]
    public void Column_scales_that_all_groups_have_in_common_are_stored_once()
    {
        var random = new Random(5);
        GroupedSignMatrix matrix = new RandomGroups(1, 2, 2, 1, HasBetas: true, Kind: ScaleKind.Byte) { GroupSize = 64 }.Create(random, 64, 128);
        SignGroup[] shared = [.. matrix.Groups.Select(g => g with { Beta = [.. g.Alpha.Select(_ => matrix.Groups[0].Beta![0])], BetaFormat = matrix.Groups[0].BetaFormat })];
        SignGroup[] none = [.. shared.Select(g => g with { Beta = null, BetaFormat = default })];
        Assert.InRange(BytesOf(shared) - BytesOf(none), 128, 135);

        int BytesOf(SignGroup[] groups) => GroupedPacker.Pack(new GroupedSignMatrix(matrix.Signs, groups, 1, 64) { SecondSigns = matrix.SecondSigns, IsSalient = matrix.IsSalient, GroupOf = matrix.GroupOf }).Length;
    }

    [Fact]
    public void Any_byte_is_read_back_whatever_was_predicted()
    {
        var bytes = new byte[64];
        foreach (ScalePrediction prediction in Enum.GetValues<ScalePrediction>())
        {
            for (int value = 0; value < 256; value++)
            {
                var code = new ScaleCode(prediction, value % 8, (byte)(value * 37));
                int expected = code.Predict(value % 2, (value * 11) & 255, (value * 5) & 255);
                Array.Clear(bytes);
                long end = code.Write(value, expected, bytes, value % 13);
                Assert.Equal(code.Length(value, expected), end - (value % 13));
                long bit = value % 13;
                Assert.True(code.TryRead(bytes, ref bit, expected, out byte actual));
                Assert.Equal(((byte)value, end), (actual, bit));
            }
        }

        long start = 0;
        Assert.False(new ScaleCode(ScalePrediction.Constant, 0, 0).TryRead(new byte[64], ref start, 0, out _));
    }

    [Fact]
    public void The_bits_of_the_specification_are_those_of_the_code()
    {
        var code = new ScaleCode(ScalePrediction.Constant, 1, 50);
        var bytes = new byte[1];
        long bit = 0;
        foreach (int value in (int[])[51, 49, 50]) bit = code.Write(value, code.Predict(0, 0, 0), bytes, bit);
        Assert.Equal((7L, (byte)0b0011_1010), (bit, bytes[0]));
    }

    private static double Bits(PackedMatrix packed, string section)
        => 8.0 * packed.Sections.Where(s => s.Name == section).Sum(s => s.ByteCount) / ((double)packed.Rows * packed.Columns);

    private static double Choices(int n, int m)
    {
        double choices = 1;
        for (int k = 1; k <= n; k++) choices = choices * (m - n + k) / k;
        return choices;
    }
}
