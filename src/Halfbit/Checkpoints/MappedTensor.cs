using System.Globalization;
using System.Runtime.InteropServices;
using Halfbit.Numerics;

namespace Halfbit.Checkpoints;

/// <summary>One tensor of a safetensors file, still in the file: name, type, shape and the bytes behind them.</summary>
public sealed class MappedTensor : IWeightRows
{
    private readonly MappedFile file;
    private readonly long offset;

    internal MappedTensor(MappedFile file, SafetensorsEntry entry, long dataStart)
    {
        this.file = file;
        offset = dataStart + entry.Begin;
        Name = entry.Name;
        Type = entry.Type;
        Shape = entry.Shape;
        ByteCount = entry.End - entry.Begin;
        HeaderBytes = entry.HeaderBytes;
    }

    /// <summary>The tensor's name.</summary>
    public string Name { get; }

    /// <summary>Path of the file that holds it.</summary>
    public string FilePath => file.Path;

    /// <summary>Element type as stored.</summary>
    public ElementType Type { get; }

    /// <summary>Dimensions, outermost first.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Bytes of data.</summary>
    public long ByteCount { get; }

    /// <summary>Bytes that the tensor's entry takes in the file's header.</summary>
    public int HeaderBytes { get; }

    /// <summary>All bytes that the file spends on the tensor: its data and its entry in the header.</summary>
    public long StoredBytes => ByteCount + HeaderBytes;

    /// <summary>Number of elements.</summary>
    public long ElementCount => ByteCount / ElementTypes.SizeOf(Type);

    /// <summary>Rows when seen as a matrix: the first dimension (1 for a vector).</summary>
    public int Rows => Shape.Count < 2 ? 1 : checked((int)Shape[0]);

    /// <summary>Columns when seen as a matrix: the product of all dimensions but the first (all of a vector).</summary>
    public int Columns => Rows == 0 ? 0 : checked((int)(ElementCount / Rows));

    /// <summary>The shape as text, [a, b].</summary>
    public string ShapeText => "[" + string.Join(", ", Shape.Select(d => d.ToString(CultureInfo.InvariantCulture))) + "]";

    /// <summary>A piece of the stored bytes.</summary>
    /// <param name="start">First byte, relative to the tensor.</param>
    /// <param name="count">Number of bytes.</param>
    public ReadOnlySpan<byte> Bytes(long start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, ByteCount - count, nameof(start));
        return file.Bytes(offset + start, count);
    }

    /// <summary>Widens elements to single precision.</summary>
    /// <param name="firstElement">First element, 0-based, in row-major order.</param>
    /// <param name="destination">[n]; n elements are read.</param>
    /// <exception cref="CheckpointException">The type is not F32, F16 or BF16.</exception>
    public void Read(long firstElement, Span<float> destination)
    {
        ReadOnlySpan<byte> bytes = Bytes(firstElement * ElementTypes.SizeOf(Type), checked(destination.Length * ElementTypes.SizeOf(Type)));
        switch (Type)
        {
            case ElementType.F32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(destination);
                break;
            case ElementType.F16:
                HalfConversion.WidenHalf(MemoryMarshal.Cast<byte, Half>(bytes), destination);
                break;
            case ElementType.BF16:
                HalfConversion.WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(bytes), destination);
                break;
            default:
                throw new CheckpointException($"{FilePath}: tensor '{Name}' has type {Type}, expected F32, F16 or BF16; convert the checkpoint first");
        }
    }

    /// <summary>All elements in single precision.</summary>
    public float[] ReadAll()
    {
        var values = new float[checked((int)ElementCount)];
        Read(0, values);
        return values;
    }

    /// <inheritdoc/>
    public void ReadRows(int firstRow, MatrixView<float> destination)
    {
        if (destination.Stride == destination.Columns)
        {
            Read((long)firstRow * Columns, destination.Data);
            return;
        }

        for (int i = 0; i < destination.Rows; i++) Read((long)(firstRow + i) * Columns, destination.Row(i));
    }

    /// <summary>Gives the tensor's pages back to the system; they are read again when touched.</summary>
    public void Release() => file.Release(offset, ByteCount);
}
