using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Packing;

public sealed class PackedCheckpointTests
{
    private const string Ours = """{"quantization_config": {"quant_method": "halfbit", "format_version": 1}}""";

    [Fact]
    public void Packed_weights_are_found_opened_and_counted()
    {
        using var folder = new TemporaryFolder();
        QuantizedMatrix[] matrices = Write(folder, Ours);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        PackedCheckpoint packed = PackedCheckpoint.TryOpen(checkpoint)!;

        Assert.Equal(["a.weight", "b.weight"], packed.Tensors.Select(t => t.Name));
        for (int n = 0; n < 2; n++)
        {
            IWeightRows rows = packed.Open(packed.Tensors[n].Tensor);
            Logical.AssertSameBits(Logical.Rows(matrices[n], 0, rows.Rows, rows.Columns), Logical.Rows(rows, 0, rows.Rows, rows.Columns));
        }

        MappedTensor norm = checkpoint.TryFind("norm.weight")!;
        Assert.Same(norm, packed.Open(norm));
        Assert.Null(packed.TryFind("norm.weight"));
        Assert.Equal((20 * 30) + (8 * 128), packed.WeightCount);

        // Everything in the file but the norm's data is spent on the packed matrices, on entries, or on the header's frame and padding.
        long stored = checkpoint.ByteCount - norm.ByteCount;
        Assert.InRange(packed.ByteCount, stored - 200, stored + 40);
        Assert.Equal(8.0 * packed.ByteCount / packed.WeightCount, packed.TrueBits);
    }

    [Fact]
    public void A_config_without_quantization_means_an_ordinary_checkpoint()
    {
        using var folder = new TemporaryFolder();
        Write(folder, """{"model_type": "llama", "quantization_config": null}""");
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Null(PackedCheckpoint.TryOpen(checkpoint));
    }

    [Theory]
    [InlineData("""{"quantization_config": {"quant_method": "gptq", "bits": 4}}""", "unquantized checkpoint")]
    [InlineData("""{"quantization_config": {}}""", "unquantized checkpoint")]
    [InlineData("""{"quantization_config": "halfbit"}""", "unquantized checkpoint")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit", "format_version": 3}}""", "update Halfbit")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit", "format_version": 2}}""", "layout")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit", "format_version": 2, "layout": "spirals"}}""", "spirals")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit"}}""", "format_version")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit", "format_version": 1.5}}""", "format_version")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit", "format_version": 1, "packed": ["norm.weight"]}}""", "norm.weight")]
    [InlineData("""{"quantization_config": {"quant_method": "halfbit", "format_version": 1, "packed": 3}}""", "packed")]
    [InlineData("[1]", "expected an object")]
    [InlineData("{", "not a valid model config")]
    public void A_config_that_cannot_be_honoured_is_refused_with_the_file_and_a_remedy(string config, string expected)
    {
        using var folder = new TemporaryFolder();
        Write(folder, config);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        CheckpointException exception = Assert.Throws<CheckpointException>(() => PackedCheckpoint.TryOpen(checkpoint));
        Assert.Contains("config.json", exception.Message, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void A_list_of_packed_names_that_holds_is_accepted()
    {
        using var folder = new TemporaryFolder();
        Write(folder, """{"quantization_config": {"quant_method": "halfbit", "format_version": 1, "packed": ["b.weight", "a.weight"]}}""");
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(2, PackedCheckpoint.TryOpen(checkpoint)!.Tensors.Count);
    }

    [Fact]
    public void Damage_names_file_and_tensor()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Ours);
        string path = folder[Checkpoint.SingleFileName];
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^20] ^= 1;
        File.WriteAllBytes(path, bytes);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        CheckpointException exception = Assert.Throws<CheckpointException>(() => PackedCheckpoint.TryOpen(checkpoint));
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains("'b.weight'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("checksum", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_of_another_kind_is_no_packed_matrix()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Ours);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Contains("F32", Assert.Throws<CheckpointException>(() => new PackedMatrix(checkpoint.TryFind("norm.weight")!)).Message, StringComparison.Ordinal);
    }

    private static QuantizedMatrix[] Write(TemporaryFolder folder, string config)
    {
        var random = new Random(1);
        QuantizedMatrix[] matrices =
        [
            RandomMatrices.Part("grid zero", random, 20, 30),
            new MixedMatrix(RandomMatrices.Mask(random, 8, 128, 0.1), RandomMatrices.Part("grid", random, 8, 128), RandomMatrices.Part("sign", random, 8, 128)),
        ];
        byte[][] blobs = [.. matrices.Select(m => Packer.Pack(m))];
        using var writer = new SafetensorsWriter(
            folder[Checkpoint.SingleFileName],
            [new TensorDeclaration("norm.weight", ElementType.F32, [4]), PackedTensor.Declare("a.weight", blobs[0]), PackedTensor.Declare("b.weight", blobs[1])]);
        writer.Write(new byte[16]);
        foreach (byte[] blob in blobs) writer.Write(blob);
        writer.Complete();
        File.WriteAllText(folder["config.json"], config);
        return matrices;
    }
}
