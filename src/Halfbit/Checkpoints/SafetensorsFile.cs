namespace Halfbit.Checkpoints;

/// <summary>A safetensors file, memory-mapped and checked: sizes, bounds, overlaps, gaps and duplicate names.</summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile file;
    private readonly Dictionary<string, MappedTensor> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    private SafetensorsFile(MappedFile file)
    {
        this.file = file;
        var tensors = new List<MappedTensor>();
        List<SafetensorsEntry> entries = SafetensorsHeader.Read(file, metadata, out long dataStart);
        foreach (SafetensorsEntry entry in entries)
        {
            var tensor = new MappedTensor(file, entry, dataStart);
            tensors.Add(tensor);
            byName.Add(entry.Name, tensor);
        }

        Tensors = tensors;
        HeaderBytes = dataStart;
    }

    /// <summary>The file's path, as given.</summary>
    public string Path => file.Path;

    /// <summary>The file's length in bytes.</summary>
    public long Length => file.Length;

    /// <summary>Bytes before the first tensor: the length field and the JSON header.</summary>
    public long HeaderBytes { get; }

    /// <summary>All tensors in the order of the header.</summary>
    public IReadOnlyList<MappedTensor> Tensors { get; }

    /// <summary>The texts under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Maps and checks a file.</summary>
    /// <exception cref="CheckpointException">The file is missing, truncated or contradicts itself.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name, or null.</summary>
    public MappedTensor? TryFind(string name) => byName.GetValueOrDefault(name);

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
