using Halfbit.Checkpoints;

namespace Halfbit.Packing;

/// <summary>A packed weight matrix in a safetensors file: its tensor, and the bytes that the file spends on it.</summary>
public sealed class PackedTensor
{
    internal PackedTensor(MappedTensor tensor, PackedMatrix matrix)
    {
        Tensor = tensor;
        Matrix = matrix;
    }

    /// <summary>The tensor in the file: U8, one dimension.</summary>
    public MappedTensor Tensor { get; }

    /// <summary>The matrix.</summary>
    public PackedMatrix Matrix { get; }

    /// <summary>Name of the weight, as in the original checkpoint.</summary>
    public string Name => Tensor.Name;

    /// <summary>Bytes of the packed matrix and of its entry in the file's header.</summary>
    public long ByteCount => Tensor.StoredBytes;

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
}
