using System.Runtime.InteropServices;
using Halfbit.Numerics;

namespace Halfbit.Calibration;

/// <summary>
/// The hidden states of all calibration sequences between two blocks: in memory when they are few, else in a scratch file,
/// so that a job's memory does not grow with the number of samples.
/// </summary>
public sealed class HiddenStates : IDisposable
{
    /// <summary>Up to this many bytes the states stay in memory.</summary>
    public const long MemoryLimit = 512L << 20;

    private readonly int rows;
    private readonly int columns;
    private readonly Matrix[]? inMemory;
    private readonly FileStream? file;

    /// <summary>Room for the states of all sequences.</summary>
    /// <param name="sequences">Number of sequences.</param>
    /// <param name="rows">Tokens per sequence.</param>
    /// <param name="columns">Hidden size.</param>
    /// <param name="scratchPath">Path of the scratch file, used when needed and removed on disposal.</param>
    public HiddenStates(int sequences, int rows, int columns, string scratchPath)
    {
        this.rows = rows;
        this.columns = columns;
        Count = sequences;
        if ((long)sequences * rows * columns * sizeof(float) <= MemoryLimit)
        {
            inMemory = new Matrix[sequences];
            for (int s = 0; s < sequences; s++) inMemory[s] = new Matrix(rows, columns);
            return;
        }

        file = new FileStream(scratchPath, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose);
    }

    /// <summary>Number of sequences.</summary>
    public int Count { get; }

    /// <summary>Copies a sequence's states to <paramref name="destination"/>, [rows, columns].</summary>
    public void Load(int sequence, Matrix destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (inMemory is not null)
        {
            inMemory[sequence].Data.CopyTo(destination.Data, 0);
            return;
        }

        Span<byte> bytes = MemoryMarshal.AsBytes(destination.Data.AsSpan());
        for (int done = 0; done < bytes.Length;)
        {
            int read = RandomAccess.Read(file!.SafeFileHandle, bytes[done..], OffsetOf(sequence) + done);
            if (read == 0) throw new EndOfStreamException($"{file.Name}: the scratch file ended early");
            done += read;
        }
    }

    /// <summary>Replaces a sequence's states by <paramref name="source"/>, [rows, columns].</summary>
    public void Store(int sequence, Matrix source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (inMemory is not null) source.Data.CopyTo(inMemory[sequence].Data, 0);
        else RandomAccess.Write(file!.SafeFileHandle, MemoryMarshal.AsBytes(source.Data.AsSpan()), OffsetOf(sequence));
    }

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    private long OffsetOf(int sequence) => (long)sequence * rows * columns * sizeof(float);
}
