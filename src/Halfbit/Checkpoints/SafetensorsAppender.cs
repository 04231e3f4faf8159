using System.Buffers.Binary;
using System.Text.Json;

namespace Halfbit.Checkpoints;

/// <summary>Writes a safetensors file whose tensors' sizes are known only one after the other: room is left for the header, which is written last. Data start at a multiple of 64 bytes.</summary>
internal sealed class SafetensorsAppender : IDisposable
{
    /// <summary>More than the bytes of an entry without its name and numbers.</summary>
    private const int EntryBytes = 80;

    /// <summary>More than the digits of a number and a comma.</summary>
    private const int NumberBytes = 21;

    private readonly AtomicFile file;
    private readonly IReadOnlyDictionary<string, string> metadata;
    private readonly List<TensorDeclaration> declarations = [];
    private readonly int headerLength;

    /// <summary>Starts a file.</summary>
    /// <param name="path">Its final path; replaced when it exists.</param>
    /// <param name="tensors">Names of the tensors that can come, and how many dimensions they have.</param>
    /// <param name="metadata">Texts for <c>__metadata__</c>.</param>
    public SafetensorsAppender(string path, IEnumerable<(string Name, int Dimensions)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        this.metadata = metadata;
        int room = tensors.Sum(t => JsonEncodedText.Encode(t.Name).EncodedUtf8Bytes.Length + EntryBytes + (NumberBytes * (t.Dimensions + 2)));
        headerLength = SafetensorsWriter.Header([], metadata, SafetensorsWriter.Header([], metadata).Length + room).Length;
        file = new AtomicFile(path);
        try
        {
            file.Write(new byte[sizeof(long) + headerLength]);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends a tensor.</summary>
    /// <param name="declaration">What it is.</param>
    /// <param name="bytes">Its data.</param>
    /// <param name="more">The rest of them.</param>
    public void Write(TensorDeclaration declaration, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> more)
    {
        if (bytes.Length + (long)more.Length != declaration.ByteCount) throw new ArgumentException($"{bytes.Length + (long)more.Length} bytes for a tensor of {declaration.ByteCount}", nameof(bytes));
        declarations.Add(declaration);
        file.Write(bytes);
        file.Write(more);
    }

    /// <summary>Appends a tensor piece by piece.</summary>
    /// <param name="declaration">What it is.</param>
    /// <param name="pieces">Its data; each is written before the next is asked for.</param>
    public void Write(TensorDeclaration declaration, IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        declarations.Add(declaration);
        long count = 0;
        foreach (ReadOnlyMemory<byte> piece in pieces)
        {
            count += piece.Length;
            file.Write(piece.Span);
        }

        if (count != declaration.ByteCount) throw new ArgumentException($"{count} bytes for a tensor of {declaration.ByteCount}", nameof(pieces));
    }

    /// <summary>Appends a mapped tensor as it is, piece by piece.</summary>
    public void Copy(MappedTensor tensor)
    {
        const int Piece = 1 << 20;
        declarations.Add(new TensorDeclaration(tensor.Name, tensor.Type, tensor.Shape));
        for (long start = 0; start < tensor.ByteCount; start += Piece) file.Write(tensor.Bytes(start, (int)Math.Min(Piece, tensor.ByteCount - start)));
        tensor.Release();
    }

    /// <summary>Writes the header, flushes to the disk and gives the file its name.</summary>
    public void Complete()
    {
        byte[] header = SafetensorsWriter.Header(declarations, metadata, headerLength);
        if (header.Length != headerLength) throw new InvalidOperationException($"the header has {header.Length} bytes, {headerLength} were left for it");
        var start = new byte[sizeof(long) + header.Length];
        BinaryPrimitives.WriteInt64LittleEndian(start, header.Length);
        header.CopyTo(start, sizeof(long));
        file.ReplaceStart(start);
        file.Complete();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
