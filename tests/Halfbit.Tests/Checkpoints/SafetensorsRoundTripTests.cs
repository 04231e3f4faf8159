using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Checkpoints;

public sealed class SafetensorsRoundTripTests
{
    [Fact]
    public void Every_type_shape_and_odd_name_comes_back()
    {
        using var folder = new TemporaryFolder();
        string path = folder["all.safetensors"];
        var random = new Random(1);
        long[][] shapes = [[], [0], [7], [3, 5], [2, 0, 4], [2, 3, 4]];
        string[] names = ["plain", "with \"quotes\" and \\", "ünïcødé 漢字 😀", "tab\tand\nline", "", "a.b.c", "<&>"];
        var declarations = new List<TensorDeclaration>();
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            foreach (long[] shape in shapes) declarations.Add(new TensorDeclaration($"{names[declarations.Count % names.Length]} {declarations.Count}", type, shape));
        }

        byte[][] data = [.. declarations.Select(d => Bytes(random, d.ByteCount))];
        using (var writer = new SafetensorsWriter(path, declarations, new Dictionary<string, string> { ["format"] = "pt", ["note"] = "a \"b\"\n" }))
        {
            foreach (byte[] bytes in data)
            {
                int cut = random.Next(bytes.Length + 1);
                writer.Write(bytes.AsSpan(0, cut));
                writer.Write(bytes.AsSpan(cut));
            }

            writer.Complete();
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(0, file.HeaderBytes % 64);
        Assert.Equal(["format", "note"], file.Metadata.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("a \"b\"\n", file.Metadata["note"]);
        Assert.Equal(declarations.Select(d => d.Name), file.Tensors.Select(t => t.Name));
        for (int n = 0; n < data.Length; n++)
        {
            MappedTensor tensor = file.Tensors[n];
            Assert.Equal((declarations[n].Type, declarations[n].ByteCount), (tensor.Type, tensor.ByteCount));
            Assert.Equal(declarations[n].Shape, tensor.Shape);
            Assert.True(tensor.Bytes(0, data[n].Length).SequenceEqual(data[n]), tensor.Name);
        }
    }

    [Fact]
    public void Weights_of_each_type_are_widened_exactly()
    {
        using var folder = new TemporaryFolder();
        string path = folder["w.safetensors"];
        float[] values = [0f, -0f, 1f, -1.5f, 0.0078125f, 65504f, -3.140625f, 2f, 96f, 1024f];
        using (var writer = new SafetensorsWriter(path, [
            new TensorDeclaration("f32", ElementType.F32, [5, 2]),
            new TensorDeclaration("f16", ElementType.F16, [5, 2]),
            new TensorDeclaration("bf16", ElementType.BF16, [5, 2]),
            new TensorDeclaration("i32", ElementType.I32, [1])]))
        {
            foreach (float v in values) writer.Write(BitConverter.GetBytes(v));
            foreach (float v in values) writer.Write(BitConverter.GetBytes((Half)v));
            foreach (float v in values) writer.Write(BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)));
            writer.Write(new byte[4]);
            writer.Complete();
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (string name in (string[])["f32", "f16", "bf16"])
        {
            MappedTensor tensor = file.TryFind(name)!;
            float[] expected = name == "bf16" ? [.. values.Select(v => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(v) & 0xFFFF0000))] : values;
            Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), tensor.ReadAll().Select(BitConverter.SingleToInt32Bits));
            var window = new float[2 * 5];
            tensor.ReadRows(2, new MatrixView<float>(window, 2, 2, 5));
            Assert.Equal((expected[4], expected[5], expected[6], expected[7], 0f), (window[0], window[1], window[5], window[6], window[2]));
        }

        CheckpointException exception = Assert.Throws<CheckpointException>(() => file.TryFind("i32")!.ReadAll());
        Assert.Contains("I32", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.TryFind("f32")!.Bytes(38, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.TryFind("f16")!.Bytes(-2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.TryFind("f32")!.Bytes(long.MaxValue, 3));
    }

    [Fact]
    public void Nothing_lies_under_the_final_name_until_the_file_is_complete()
    {
        using var folder = new TemporaryFolder();
        string path = folder["m.safetensors"];
        using (var writer = new SafetensorsWriter(path, [new TensorDeclaration("a", ElementType.U8, [4])]))
        {
            Assert.False(File.Exists(path));
            writer.Write([1, 2, 3]);
            Assert.Throws<InvalidOperationException>(() => writer.Write([4, 5]));
            Assert.Throws<InvalidOperationException>(writer.Complete);
            Assert.False(File.Exists(path));
        }

        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        using (var writer = new SafetensorsWriter(path, [new TensorDeclaration("a", ElementType.U8, [4])]))
        {
            writer.Write([1, 2, 3, 4]);
            Assert.False(File.Exists(path));
            writer.Complete();
            Assert.True(File.Exists(path));
        }

        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));

        // An unfinished second attempt leaves the first file as it is.
        using (var writer = new SafetensorsWriter(path, [new TensorDeclaration("b", ElementType.U8, [4])])) writer.Write([9]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal("a", Assert.Single(file.Tensors).Name);
    }

    [Fact]
    public void Declarations_that_no_reader_would_accept_are_refused_before_a_file_is_begun()
    {
        using var folder = new TemporaryFolder();
        string path = folder["m.safetensors"];
        TensorDeclaration a = new("a", ElementType.U8, [4]);
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(path, [a, a]));
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(path, [new TensorDeclaration("__metadata__", ElementType.U8, [4])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(path, [new TensorDeclaration("n", ElementType.U8, [-4])]));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_file_without_tensors_and_a_tensor_without_elements_are_files_too()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new SafetensorsWriter(folder["none.safetensors"], [])) writer.Complete();
        using SafetensorsFile none = SafetensorsFile.Open(folder["none.safetensors"]);
        Assert.Empty(none.Tensors);
        File.WriteAllBytes(folder["bare.safetensors"], SafetensorsBytes.File("{}", 0));
        using SafetensorsFile bare = SafetensorsFile.Open(folder["bare.safetensors"]);
        Assert.Empty(bare.Tensors);
        File.WriteAllBytes(folder["empty.safetensors"], SafetensorsBytes.File("""{"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}""", 0));
        using SafetensorsFile empty = SafetensorsFile.Open(folder["empty.safetensors"]);
        Assert.Empty(Assert.Single(empty.Tensors).ReadAll());
    }

    [Fact]
    public void Copying_a_mapped_tensor_copies_its_bytes_and_release_keeps_them_readable()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Bytes(new Random(2), (1 << 20) + 4321);
        using (var writer = new SafetensorsWriter(folder["a.safetensors"], [new TensorDeclaration("a", ElementType.U8, [bytes.Length])]))
        {
            writer.Write(bytes);
            writer.Complete();
        }

        using SafetensorsFile a = SafetensorsFile.Open(folder["a.safetensors"]);
        using (var writer = new SafetensorsWriter(folder["b.safetensors"], [new TensorDeclaration("b", ElementType.U8, [bytes.Length])]))
        {
            writer.Copy(a.Tensors[0]);
            writer.Complete();
        }

        a.Tensors[0].Release();
        Assert.True(a.Tensors[0].Bytes(0, bytes.Length).SequenceEqual(bytes));
        using SafetensorsFile b = SafetensorsFile.Open(folder["b.safetensors"]);
        Assert.True(b.Tensors[0].Bytes(0, bytes.Length).SequenceEqual(bytes));
    }

    [Fact]
    public void A_closed_file_is_refused_instead_of_read_from_memory_that_is_gone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.safetensors"], SafetensorsBytes.Small());
        SafetensorsFile file = SafetensorsFile.Open(folder["a.safetensors"]);
        MappedTensor tensor = file.Tensors[0];
        file.Dispose();
        file.Dispose();
        tensor.Release();
        Assert.Throws<ObjectDisposedException>(() => tensor.ReadAll());
    }

    private static byte[] Bytes(Random random, long count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
