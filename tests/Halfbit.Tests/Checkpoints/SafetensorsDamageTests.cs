using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Checkpoints;

public sealed class SafetensorsDamageTests
{
    [Fact]
    public void A_file_cut_after_any_byte_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = SafetensorsBytes.Small();
        for (int length = 0; length < bytes.Length; length++)
        {
            string path = folder["cut.safetensors"];
            File.WriteAllBytes(path, bytes[..length]);
            CheckpointException exception = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
            Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', exception.Message);
        }
    }

    [Fact]
    public void Any_flipped_bit_gives_consistent_tensors_or_a_refusal()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = SafetensorsBytes.Small();
        int refused = 0;
        for (int bit = 0; bit < (bytes.Length - 14) * 8; bit++)
        {
            byte[] damaged = [.. bytes];
            damaged[bit >> 3] ^= (byte)(1 << (bit & 7));
            if (!OpensConsistently(folder, damaged)) refused++;
        }

        Assert.InRange(refused, (bytes.Length - 14) * 4, (bytes.Length - 14) * 8);
    }

    [Fact]
    public void Random_replacements_in_the_header_give_consistent_tensors_or_a_refusal()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = SafetensorsBytes.Small();
        byte[] tokens = "{}[]\",:0123456789-.eE\\u \n\0tfn"u8.ToArray();
        var random = new Random(4);
        for (int trial = 0; trial < 4000; trial++)
        {
            byte[] damaged = [.. bytes];
            int changes = random.Next(1, 4);
            for (int c = 0; c < changes; c++) damaged[8 + random.Next(bytes.Length - 22)] = random.Next(4) == 0 ? (byte)random.Next(256) : tokens[random.Next(tokens.Length)];
            OpensConsistently(folder, damaged);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_without_room_for_a_length_is_refused(int length) => AssertRefused(new byte[length], "empty or truncated");

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(100_000_001)]
    [InlineData(1_000)]
    public void A_header_length_beyond_the_file_is_refused_before_anything_is_read(long length)
    {
        byte[] bytes = SafetensorsBytes.Small();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        AssertRefused(bytes, "header length");
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6, "overlaps")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "overlaps")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}""", 9, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}""", 5, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 5, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 3, "truncated")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[-1,3]}}""", 3, "non-negative")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,5]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,99999999999999999999]}}""", 4, "non-negative")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,9223372036854775807]}}""", 4, "truncated")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}""", 4, "needs 3 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}""", 4, "needs 16 bytes")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "bytes")]
    [InlineData("""{"a":{"dtype":"F64","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,4]}}""", 4, "bytes")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", 4, "non-negative")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", 4, "non-negative")]
    [InlineData("""{"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}""", 4, "non-negative")]
    [InlineData("""{"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}}""", 4, "not a list")]
    [InlineData("""{"a":{"dtype":"U9","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":"u8","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":"13","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":" U8","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":"U8,I8","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":"","shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":8,"shape":[4],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4]}}""", 4, "lacks")]
    [InlineData("""{"a":{"shape":[4],"data_offsets":[0,4]}}""", 4, "lacks")]
    [InlineData("""{"a":{"dtype":"U8","data_offsets":[0,4]}}""", 4, "lacks")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1}}""", 4, "unknown field")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}""", 4, "named twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}}""", 4, "twice")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "twice")]
    [InlineData("""{"__metadata__":{"k":1},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "not a string")]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "__metadata__")]
    [InlineData("""{"a":4}""", 4, "not an object")]
    [InlineData("[]", 0, "not an object")]
    [InlineData("null", 0, "not an object")]
    [InlineData("", 0, "JSON")]
    [InlineData("{", 0, "JSON")]
    [InlineData("{} {}", 0, "JSON")]
    [InlineData("{}x", 0, "JSON")]
    public void A_header_that_contradicts_itself_or_the_file_is_refused(string header, int dataBytes, string expected)
        => AssertRefused(SafetensorsBytes.File(header, dataBytes), expected);

    [Fact]
    public void A_header_nested_too_deeply_is_refused()
        => AssertRefused(SafetensorsBytes.File("{\"a\":" + string.Concat(Enumerable.Repeat("[", 100_000)), 0), "not an object");

    [Fact]
    public void Names_that_are_not_valid_text_are_refused()
    {
        byte[] bytes = SafetensorsBytes.File("""{"a?":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4);
        bytes[8 + 3] = 0xFF;
        AssertRefused(bytes, "JSON");
        AssertRefused(SafetensorsBytes.File("""{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4), "JSON");
    }

    [Fact]
    public void Errors_stay_on_one_line_whatever_the_names_hold()
        => AssertRefused(SafetensorsBytes.File("""{"a\nb\r\u2028":{"dtype":"U8\n","shape":[4],"data_offsets":[0,4]}}""", 4), "unknown dtype");

    [Fact]
    public void A_missing_file_or_a_folder_in_its_place_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder["none.safetensors"]));
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder.Path));
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(folder["none", "deeper.safetensors"]));
    }

    /// <summary>Opens damaged bytes; what opens must be readable and stay inside the file.</summary>
    private static bool OpensConsistently(TemporaryFolder folder, byte[] bytes)
    {
        string path = folder["damaged.safetensors"];
        File.WriteAllBytes(path, bytes);
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            long data = 0;
            foreach (MappedTensor tensor in file.Tensors)
            {
                data += tensor.ByteCount;
                Assert.Equal(tensor.ByteCount, tensor.Shape.Aggregate((long)ElementTypes.SizeOf(tensor.Type), (product, d) => product * d));
                Assert.Equal(tensor.ByteCount, tensor.Bytes(0, (int)tensor.ByteCount).Length);
                Assert.Equal(tensor.ElementCount, (long)tensor.Rows * tensor.Columns);
                if (ElementTypes.IsWeight(tensor.Type)) _ = tensor.ReadAll();
                Assert.Same(tensor, file.TryFind(tensor.Name));
            }

            Assert.Equal(file.Length, file.HeaderBytes + data);
            return true;
        }
        catch (CheckpointException exception)
        {
            Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', exception.Message);
            return false;
        }
    }

    private static void AssertRefused(byte[] bytes, string expected)
    {
        using var folder = new TemporaryFolder();
        string path = folder["bad.safetensors"];
        File.WriteAllBytes(path, bytes);
        CheckpointException exception = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Equal(exception.Message.ReplaceLineEndings(" "), exception.Message);
    }
}
