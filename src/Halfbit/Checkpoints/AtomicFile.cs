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
    public AtomicFile(string path)
    {
        this.path = path;
        temporary = path + ".writing";
        stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
    }

    /// <summary>Where the bytes go.</summary>
    public FileStream Stream => stream ?? throw new ObjectDisposedException(path);

    /// <summary>Writes a whole text file, UTF-8 without a byte order mark.</summary>
    public static void WriteText(string path, string text) => WriteBytes(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes a whole file.</summary>
    public static void WriteBytes(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new AtomicFile(path);
        file.Stream.Write(bytes);
        file.Complete();
    }

    /// <summary>Flushes to the disk and renames.</summary>
    public void Complete()
    {
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
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
        catch (IOException)
        {
            // A full disk fails again on the last flush; the file is removed anyway.
        }

        stream = null;
        File.Delete(temporary);
    }
}
