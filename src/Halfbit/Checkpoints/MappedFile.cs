using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Halfbit.Checkpoints;

/// <summary>A read-only file mapped into memory: bytes come in when they are touched and can be given back.</summary>
public sealed unsafe partial class MappedFile : IDisposable
{
    private const int DontNeed = 4;
    private readonly MemoryMappedFile? file;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* start;
    private bool isDisposed;

    /// <summary>Maps a whole file.</summary>
    /// <param name="path">An existing file.</param>
    /// <exception cref="CheckpointException">The file is missing or cannot be read.</exception>
    public MappedFile(string path)
    {
        Path = path;
        try
        {
            Length = new FileInfo(path).Length;
            if (Length == 0) return;
            file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            view = file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new CheckpointException($"{path}: cannot be read ({exception.Message}); check that the file exists and is readable", exception);
        }

        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        start = pointer + view.PointerOffset;
    }

    /// <summary>The file's path, as given.</summary>
    public string Path { get; }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>The bytes [<paramref name="offset"/>, offset + <paramref name="count"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    /// <exception cref="ObjectDisposedException">The file is no longer mapped.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count, nameof(offset));
        return new ReadOnlySpan<byte>(start + offset, count);
    }

    /// <summary>Tells the system that the pages inside a range are not needed now, so that they stop counting as this process's memory. They come back when touched.</summary>
    /// <param name="offset">First byte.</param>
    /// <param name="count">Number of bytes.</param>
    public void Release(long offset, long count)
    {
        if (!OperatingSystem.IsLinux() || count <= 0 || isDisposed) return;
        long page = Environment.SystemPageSize;
        long first = ((nint)start + offset + page - 1) / page * page;
        long last = ((nint)start + offset + count) / page * page;
        if (last > first) _ = Advise((nint)first, (nuint)(last - first), DontNeed);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isDisposed) return;
        isDisposed = true;
        if (view is not null)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
        }

        file?.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint address, nuint length, int advice);
}
