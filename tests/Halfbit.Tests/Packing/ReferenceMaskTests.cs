using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Packing;

/// <summary>The masks of the reference layers: what they cost, against bounds from information theory.</summary>
public sealed class ReferenceMaskTests
{
    [SharedFact]
    public void The_costs_in_the_specification_are_those_of_the_packer()
    {
        BitMatrix mask = Masks("pb-b-student-128x384.safetensors").Single(m => m.Name == "salient.f0.9.hessian").Mask;
        var matrix = new MixedMatrix(
            mask,
            new GridMatrix(128, 384, 8, new byte[128 * 384], -1, new float[128], new short[128], new ScaleFormat(ScaleKind.Half, 0)),
            new SignMatrix(new BitMatrix(128, 384), -1, new float[128], null, new ScaleFormat(ScaleKind.Half, 0)));
        Assert.Equal(2.815, new PackedMatrix(Packer.Pack(matrix, IndexEncoding.Bitmap)).TrueBits, 0.0005);
        Assert.Equal(2.211, Packer.TrueBits(matrix), 0.0005);
    }

    [SharedTheory]
    [InlineData("pb-a-gauss-96x256.safetensors")]
    [InlineData("pb-b-student-128x384.safetensors")]
    [InlineData("pb-c-offset-48x320-g128.safetensors")]
    [InlineData("pb-c-offset-48x320-gAll-b64.safetensors")]
    public void Masks_chosen_with_the_Hessian_cost_less_than_their_entropy_without_structure(string file)
    {
        foreach ((string name, BitMatrix mask) in Masks(file))
        {
            PackedMatrix packed = PackedMask(mask);
            Assert.Equal(mask.Words, ((MixedMatrix)packed.Unpack()).IsSalient.Words);
            double share = mask.CountSet() / ((double)mask.Rows * mask.Columns);
            double entropy = -(share * Math.Log2(share)) - ((1 - share) * Math.Log2(1 - share));
            double bits = IndexBits(packed);
            if (name.EndsWith("hessian", StringComparison.Ordinal)) Assert.True(bits < 0.9 * entropy, $"{name}: {bits:F4} bits, entropy {entropy:F4}");
            else Assert.True(bits < entropy + 0.011, $"{name}: {bits:F4} bits, entropy {entropy:F4}");
        }
    }

    [Theory, InlineData(0.02), InlineData(0.1), InlineData(0.3), InlineData(0.9)]
    public void A_mask_without_structure_costs_its_entropy_and_little_more(double share)
    {
        BitMatrix mask = RandomMatrices.Mask(new Random(1), 512, 1024, share);
        double actual = mask.CountSet() / (512.0 * 1024);
        double entropy = -(actual * Math.Log2(actual)) - ((1 - actual) * Math.Log2(1 - actual));

        // States: 16 · 32 bits for each of 4 blocks; a logit off by an eighth costs at most f(1 − f)/(2 · 64 · ln 2) < 0.003 bits.
        Assert.InRange(IndexBits(PackedMask(mask)), entropy - 0.001, entropy + 0.003 + (4 * 16 * 32 / (512.0 * 1024)) + 0.001);
    }

    private static PackedMatrix PackedMask(BitMatrix mask)
    {
        var zero = new ZeroMatrix(mask.Rows, mask.Columns);
        return new PackedMatrix(Packer.Pack(new MixedMatrix(mask, zero, zero)));
    }

    private static double IndexBits(PackedMatrix packed)
        => 8.0 * packed.Sections.Where(s => s.Name.StartsWith("index", StringComparison.Ordinal)).Sum(s => s.ByteCount) / ((double)packed.Rows * packed.Columns);

    private static List<(string Name, BitMatrix Mask)> Masks(string name)
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.SharedPath("reference", "pb-llm", name));
        var masks = new List<(string, BitMatrix)>();
        foreach (MappedTensor tensor in file.Tensors.Where(t => t.Name.StartsWith("salient.", StringComparison.Ordinal)))
        {
            ReadOnlySpan<byte> bytes = tensor.Bytes(0, (int)tensor.ByteCount);
            var mask = new BitMatrix(tensor.Rows, tensor.Columns);
            for (int k = 0; k < bytes.Length; k++) mask[k / tensor.Columns, k % tensor.Columns] = bytes[k] != 0;
            masks.Add((tensor.Name, mask));
        }

        return masks;
    }
}
