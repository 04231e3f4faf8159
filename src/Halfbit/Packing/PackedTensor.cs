using System.Text.Json;
using Halfbit.Checkpoints;

namespace Halfbit.Packing;

/// <summary>A packed weight matrix in a safetensors file: its tensor, and the bytes that the file spends on it.</summary>
public sealed class PackedTensor
{
    internal PackedTensor(MappedTensor tensor, PackedMatrix matrix)
    {
        Tensor = tensor;
        Matrix = matrix;
        EntryByteCount = EntryBytes(tensor.Name, tensor.ByteCount);
    }

    /// <summary>The tensor in the file: U8, one dimension.</summary>
    public MappedTensor Tensor { get; }

    /// <summary>The matrix.</summary>
    public PackedMatrix Matrix { get; }

    /// <summary>Name of the weight, as in the original checkpoint.</summary>
    public string Name => Tensor.Name;

    /// <summary>Bytes of the tensor's entry in the JSON header of its file.</summary>
    public int EntryByteCount { get; }

    /// <summary>Bytes of the packed matrix and of its entry.</summary>
    public long ByteCount => Tensor.ByteCount + EntryByteCount;

    /// <summary>Bits per weight: 8 · <see cref="ByteCount"/> ÷ (rows · columns).</summary>
    public double TrueBits => 8.0 * ByteCount / ((double)Matrix.Rows * Matrix.Columns);

    /// <summary>The declaration for a packed matrix in a <see cref="SafetensorsWriter"/>; the bytes to write are <paramref name="blob"/> itself.</summary>
    /// <param name="name">Name of the weight, as in the original checkpoint.</param>
    /// <param name="blob">What <see cref="Packer.Pack"/> returned.</param>
    public static TensorDeclaration Declare(string name, byte[] blob)
    {
        ArgumentNullException.ThrowIfNull(blob);
        return new TensorDeclaration(name, ElementType.U8, [blob.Length]);
    }

    /// <summary>Bytes of a header entry such as <c>"name":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},</c> with offsets of ten digits, the most a shard needs.</summary>
    private static int EntryBytes(string name, long byteCount)
    {
        int digits = byteCount.ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
        const string Frame = "\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[,]},";
        return Frame.Length + JsonEncodedText.Encode(name).EncodedUtf8Bytes.Length + digits + 20;
    }
}
