using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace Halfbit.Checkpoints;

/// <summary>A tensor to be written: its name, type and shape; the bytes follow later.</summary>
/// <param name="Name">Tensor name, unique in the file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
public sealed record TensorDeclaration(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Bytes of data.</summary>
    public long ByteCount => Shape.Aggregate((long)ElementTypes.SizeOf(Type), (product, d) => checked(product * d));
}

/// <summary>
/// Writes a safetensors file front to back: the header from the declarations, then each tensor's bytes in that order, in pieces of any size.
/// The file appears under its name only when it is complete; until then it has a temporary name.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly IReadOnlyList<TensorDeclaration> declarations;
    private long missing;

    /// <summary>Starts a file.</summary>
    /// <param name="path">Its final path; replaced when it exists.</param>
    /// <param name="declarations">The tensors, in the order in which their bytes will be written.</param>
    /// <param name="metadata">Texts for <c>__metadata__</c>, or null.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, one is called <c>__metadata__</c>, or a dimension is negative.</exception>
    public SafetensorsWriter(string path, IReadOnlyList<TensorDeclaration> declarations, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(declarations);
        this.declarations = declarations;
        Check(declarations);
        byte[] header = Header(declarations, metadata);
        file = new AtomicFile(path);
        missing = declarations.Sum(d => d.ByteCount);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        try
        {
            file.Write(length);
            file.Write(header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends data bytes; the tensors follow each other without gaps.</summary>
    /// <exception cref="InvalidOperationException">More bytes than declared.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > missing) throw new InvalidOperationException("more bytes than the declared tensors hold");
        missing -= bytes.Length;
        file.Write(bytes);
    }

    /// <summary>Appends all bytes of a mapped tensor, piece by piece.</summary>
    public void Copy(MappedTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        const int Piece = 1 << 20;
        for (long start = 0; start < tensor.ByteCount; start += Piece)
            Write(tensor.Bytes(start, (int)Math.Min(Piece, tensor.ByteCount - start)));
        tensor.Release();
    }

    /// <summary>Flushes to the disk and gives the file its name.</summary>
    /// <exception cref="InvalidOperationException">Declared bytes are missing.</exception>
    public void Complete()
    {
        if (missing != 0) throw new InvalidOperationException($"{missing} declared bytes were not written ({declarations.Count} tensors)");
        file.Complete();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static void Check(IReadOnlyList<TensorDeclaration> declarations)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        foreach (TensorDeclaration declaration in declarations)
        {
            if (!names.Add(declaration.Name)) throw new ArgumentException($"the tensor name '{declaration.Name}' is taken", nameof(declarations));
            if (declaration.Shape.Any(d => d < 0)) throw new ArgumentException($"tensor '{declaration.Name}' has a negative dimension", nameof(declarations));
        }
    }

    /// <summary>The JSON header.</summary>
    /// <param name="declarations">The tensors.</param>
    /// <param name="metadata">Texts, or null.</param>
    /// <param name="length">Its length at least.</param>
    internal static byte[] Header(IReadOnlyList<TensorDeclaration> declarations, IReadOnlyDictionary<string, string>? metadata, int length = 0)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            foreach (TensorDeclaration declaration in declarations)
            {
                json.WriteStartObject(declaration.Name);
                json.WriteString("dtype", declaration.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long dimension in declaration.Shape) json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += declaration.ByteCount;
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces pad the header so that the data start on a multiple of 64 bytes.
        int padding = (64 - ((8 + Math.Max(length, buffer.WrittenCount)) % 64)) % 64;
        padding += Math.Max(0, length - buffer.WrittenCount);
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenSpan.ToArray();
    }
}
