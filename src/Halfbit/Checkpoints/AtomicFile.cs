using System.Text;

namespace Halfbit.Checkpoints;

/// <summary>A file that is written under a temporary name and takes its own name only when it is complete and on the disk.</summary>
public sealed class AtomicFile : IDisposable
{
    private readonly string path;
    private readonly string temporary;
    private FileStream? stream;

    /// <summary>Starts a file beside its final path.</summary>
    /// <param name="path">The final path; its folder must exist.</param>
    /// <exception cref="IOException">The file cannot be made there, or the path is a device's (which the renaming would replace).</exception>
    public AtomicFile(string path)
    {
        if (!OperatingSystem.IsWindows() && Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal))
            throw new IOException($"{path}: is a place for devices, which a file must not replace; choose another place to write");
        this.path = path;
        temporary = path + ".writing";
        stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
    }

    /// <summary>Writes a whole text file, UTF-8 without a byte order mark.</summary>
    public static void WriteText(string path, string text) => WriteBytes(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes a whole file.</summary>
    public static void WriteBytes(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new AtomicFile(path);
        file.Write(bytes);
        file.Complete();
    }

    /// <summary>Appends bytes.</summary>
    /// <exception cref="IOException">The disk is full, or the file may not grow any further.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(stream is null, this);
        try
        {
            stream.Write(bytes);
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw TooLarge(exception);
        }
    }

    /// <summary>Replaces the first bytes.</summary>
    /// <param name="bytes">At most as many as were written.</param>
    internal void ReplaceStart(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(stream is null, this);
        if (bytes.Length > stream.Length) throw new ArgumentException($"{bytes.Length} bytes replace {stream.Length}", nameof(bytes));
        stream.Position = 0;
        Write(bytes);
        stream.Seek(0, SeekOrigin.End);
    }

    /// <summary>Flushes to the disk and renames.</summary>
    public void Complete()
    {
        ObjectDisposedException.ThrowIf(stream is null, this);
        try
        {
            stream.Flush(flushToDisk: true);
            stream.Dispose();
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw TooLarge(exception);
        }

        stream = null;
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Removes the temporary file unless the file is complete.</summary>
    public void Dispose()
    {
        if (stream is null) return;
        try
        {
            stream.Dispose();
        }
        catch (Exception exception) when (exception is IOException or ArgumentOutOfRangeException)
        {
            // A full disk fails again on the last flush; the file is removed anyway.
        }

        stream = null;
        File.Delete(temporary);
    }

    /// <summary>What the framework reports as a wrong argument when the system says that a file is too large.</summary>
    private IOException TooLarge(Exception exception)
        => new($"{temporary}: cannot grow any further; the file system or a limit of this shell (ulimit -f) allows no larger file", exception);
}
