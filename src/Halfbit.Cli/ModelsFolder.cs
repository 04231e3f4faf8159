namespace Halfbit.Cli;

/// <summary>A folder for compressed models: one that the user keeps, or a temporary one that is gone at the end, however the command ends.</summary>
internal sealed class ModelsFolder : IDisposable
{
    private readonly bool isTemporary;

    /// <summary>Makes the folder.</summary>
    /// <param name="kept">The user's folder, or null for a temporary one.</param>
    /// <param name="name">Part of a temporary folder's name.</param>
    public ModelsFolder(string? kept, string name)
        : this(kept is null ? Directory.CreateTempSubdirectory($"halfbit-{name}-").FullName : Directory.CreateDirectory(kept).FullName, isTemporary: kept is null)
    {
    }

    private ModelsFolder(string path, bool isTemporary)
    {
        Path = path;
        this.isTemporary = isTemporary;
        if (isTemporary) AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Makes a temporary folder inside another.</summary>
    /// <param name="parent">An existing folder, or null for the system's temporary one.</param>
    /// <param name="name">Part of its name.</param>
    /// <exception cref="InputException">There is no such folder.</exception>
    public static ModelsFolder Within(string? parent, string name)
    {
        if (parent is null) return new ModelsFolder(null, name);
        if (!Directory.Exists(parent)) throw new InputException($"{parent}: no such folder; --folder is an existing one");
        string random = System.IO.Path.GetFileNameWithoutExtension(System.IO.Path.GetRandomFileName());
        return new ModelsFolder(Directory.CreateDirectory(System.IO.Path.Combine(parent, $"halfbit-{name}-{random}")).FullName, isTemporary: true);
    }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!isTemporary) return;
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }

    /// <summary>After an interruption that found no safe point: another thread may still write there, so once more may be needed.</summary>
    private void OnExit(object? sender, EventArgs e)
    {
        for (int attempt = 0; attempt < 5 && Directory.Exists(Path); attempt++)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Thread.Sleep(50);
            }
        }
    }
}
