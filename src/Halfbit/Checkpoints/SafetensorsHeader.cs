using System.Text.Json;

namespace Halfbit.Checkpoints;

/// <summary>One entry of a safetensors header.</summary>
/// <param name="Name">Tensor name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Begin">First byte, relative to the end of the header.</param>
/// <param name="End">One past the last byte.</param>
/// <param name="HeaderBytes">Bytes that the entry takes in the header, its comma included.</param>
internal sealed record SafetensorsEntry(string Name, ElementType Type, long[] Shape, long Begin, long End, int HeaderBytes);

/// <summary>Reads and checks the JSON header of a safetensors file. Nothing that the header claims is believed before it is compared with the file's length.</summary>
internal static class SafetensorsHeader
{
    /// <summary>Longest header accepted, in bytes; the format's reference reader has the same bound.</summary>
    public const long MaximumLength = 100_000_000;

    /// <summary>Reads the header of a mapped file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="metadata">Receives the entries of <c>__metadata__</c>.</param>
    /// <param name="dataStart">Receives the offset of the first data byte.</param>
    public static List<SafetensorsEntry> Read(MappedFile file, Dictionary<string, string> metadata, out long dataStart)
    {
        if (file.Length < 8) throw Bad(file, $"has {file.Length} bytes, a safetensors file has at least 8; the file is empty or truncated");
        ulong length = BitConverter.ToUInt64(file.Bytes(0, 8));
        if (length > MaximumLength || (long)length > file.Length - 8)
            throw Bad(file, $"header length {length} does not fit a file of {file.Length} bytes; the file is truncated, damaged, or not in safetensors format");
        dataStart = 8 + (long)length;
        List<SafetensorsEntry> entries;
        try
        {
            entries = Parse(file, file.Bytes(8, (int)length), metadata);
        }
        catch (JsonException exception)
        {
            throw new CheckpointException($"{file.Path}: the header is not valid JSON ({FirstLine(exception.Message)}); the file is damaged, fetch it again", exception);
        }

        CheckLayout(file, entries, file.Length - dataStart);
        return entries;
    }

    private static List<SafetensorsEntry> Parse(MappedFile file, ReadOnlySpan<byte> json, Dictionary<string, string> metadata)
    {
        var entries = new List<SafetensorsEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("the header is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            long entryStart = reader.TokenStartIndex;
            string name = StringOf(ref reader);
            if (!names.Add(name)) throw Bad(file, $"tensor '{name}' is named twice in the header; the file is damaged");
            reader.Read();
            if (name == "__metadata__") ReadMetadata(ref reader, metadata);
            else entries.Add(ReadEntry(file, name, ref reader, entryStart));
        }

        if (reader.TokenType != JsonTokenType.EndObject) throw new JsonException("the header ends early");
        while (reader.Read())
        {
            // Only padding may follow; anything else makes the reader throw.
        }

        return entries;
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("__metadata__ is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = StringOf(ref reader);
            if (!reader.Read() || reader.TokenType != JsonTokenType.String) throw new JsonException($"__metadata__ '{key}' is not a string");
            if (!metadata.TryAdd(key, StringOf(ref reader))) throw new JsonException($"__metadata__ has '{key}' twice");
        }
    }

    private static SafetensorsEntry ReadEntry(MappedFile file, string name, ref Utf8JsonReader reader, long entryStart)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException($"entry '{name}' is not an object");
        ElementType? type = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = StringOf(ref reader);
            if (field == "dtype" ? type is not null : field == "shape" ? shape is not null : field == "data_offsets" && offsets is not null)
                throw Bad(file, $"tensor '{name}' has {field} twice; the file is damaged");
            reader.Read();
            switch (field)
            {
                case "dtype":
                    string text = reader.TokenType == JsonTokenType.String ? StringOf(ref reader) : "?";
                    if (!ElementTypes.TryParse(text, out ElementType parsed))
                        throw Bad(file, $"tensor '{name}' has the unknown dtype '{text}'; known: {string.Join(", ", Enum.GetNames<ElementType>())}");
                    type = parsed;
                    break;
                case "shape":
                    shape = ReadNumbers(file, name, field, ref reader);
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(file, name, field, ref reader);
                    break;
                default:
                    throw Bad(file, $"tensor '{name}' has the unknown field '{field}'; the file is damaged");
            }
        }

        if (type is null || shape is null || offsets is not [long begin, long end])
            throw Bad(file, $"tensor '{name}' lacks dtype, shape or two data_offsets; the file is damaged");
        return new SafetensorsEntry(name, type.Value, shape, begin, end, (int)(reader.BytesConsumed - entryStart) + 1);
    }

    private static long[] ReadNumbers(MappedFile file, string name, string field, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Bad(file, $"tensor '{name}': {field} is not a list; the file is damaged");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0 || numbers.Count == 64)
                throw Bad(file, $"tensor '{name}': {field} holds something else than a few non-negative integers; the file is damaged");
            numbers.Add(number);
        }

        return [.. numbers];
    }

    private static void CheckLayout(MappedFile file, List<SafetensorsEntry> entries, long dataLength)
    {
        foreach (SafetensorsEntry entry in entries)
        {
            if (entry.Begin > entry.End || entry.End > dataLength)
            {
                throw Bad(file, $"tensor '{entry.Name}' has data_offsets [{entry.Begin}, {entry.End}], but the file holds {dataLength} data bytes; "
                    + "the file is truncated or damaged, fetch it again");
            }

            Int128 bytes = ElementTypes.SizeOf(entry.Type);
            foreach (long dimension in entry.Shape)
            {
                bytes *= dimension;
                if (bytes > long.MaxValue) break;
            }

            if (bytes != entry.End - entry.Begin)
            {
                throw Bad(file, $"tensor '{entry.Name}' of type {entry.Type} and shape [{string.Join(", ", entry.Shape)}] needs {bytes} bytes, "
                    + $"its data_offsets give {entry.End - entry.Begin}; the file is damaged");
            }
        }

        long covered = 0;
        foreach (SafetensorsEntry entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin < covered) throw Bad(file, $"tensor '{entry.Name}' overlaps another tensor at byte {entry.Begin}; the file is damaged");
            if (entry.Begin > covered) throw Bad(file, $"bytes {covered} to {entry.Begin} before tensor '{entry.Name}' belong to no tensor; the file is damaged");
            covered = entry.End;
        }

        if (covered != dataLength) throw Bad(file, $"{dataLength - covered} bytes after the last tensor belong to no tensor; the file is damaged");
    }

    /// <summary>A string token, with invalid UTF-8 or lone surrogates reported as bad JSON.</summary>
    private static string StringOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString() ?? string.Empty;
        }
        catch (InvalidOperationException exception)
        {
            throw new JsonException("a string is not valid UTF-8", exception);
        }
    }

    private static string FirstLine(string text) => text.ReplaceLineEndings(" ");

    private static CheckpointException Bad(MappedFile file, string what) => new($"{file.Path}: {FirstLine(what)}");
}
