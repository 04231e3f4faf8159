using System.Globalization;
using System.Text.Json;

namespace Halfbit.Tokenization;

/// <summary>A value in a JSON file that knows its place, so that errors can name it.</summary>
/// <param name="File">Full path of the file.</param>
/// <param name="Parent">Place of the object or array that holds it; empty for the root.</param>
/// <param name="Name">Name of the member; empty for the root and for elements of arrays.</param>
/// <param name="Index">Index in an array; −1 for members.</param>
/// <param name="Element">The value.</param>
internal readonly record struct JsonField(string File, string Parent, string Name, int Index, JsonElement Element)
{
    /// <summary>Where in the file, for instance <c>model.merges[12]</c>. Put together only when asked for: a file has 10⁵ of them.</summary>
    public string Path => Index >= 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Parent}[{Index}]")
        : Parent.Length == 0 ? Name : Parent + "." + Name;

    /// <summary>Reads a file; its root must be an object.</summary>
    public static JsonField Read(string file)
    {
        try
        {
            ReadOnlyMemory<byte> bytes = System.IO.File.ReadAllBytes(file);
            if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement.Clone();
            if (root.ValueKind != JsonValueKind.Object) throw Fault.Malformed(file, $"the file holds {Describe(root)}, expected an object");
            return new JsonField(file, "", "", -1, root);
        }
        catch (JsonException exception)
        {
            throw Fault.Malformed(file, $"not valid JSON (line {exception.LineNumber + 1})", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Fault.Unreadable(file, exception);
        }
    }

    /// <summary>A member; null when it is absent or JSON null.</summary>
    public JsonField? Find(string name)
        => Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null
            ? MemberOf(Path, name, member)
            : null;

    /// <summary>A member that must be there.</summary>
    public JsonField Required(string name)
        => Find(name) ?? throw Fault.Field(File, MemberOf(Path, name, default).Path, "missing", "a value");

    /// <summary>The value of member <c>type</c>.</summary>
    public string Type() => Required("type").Text();

    public string Text()
    {
        if (Element.ValueKind != JsonValueKind.String) throw Fault.Field(File, Path, Describe(Element), "a string");
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Fault.Field(File, Path, "a string with half a surrogate pair", "well-formed text");
        }
    }

    public int Integer()
        => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value)
            ? value
            : throw Fault.Field(File, Path, Describe(Element), "a whole number");

    public bool Flag()
        => Element.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? Element.GetBoolean()
            : throw Fault.Field(File, Path, Describe(Element), "true or false");

    /// <summary>A member that is true or false.</summary>
    /// <param name="name">Member name.</param>
    /// <param name="otherwise">Value when it is absent or null.</param>
    public bool Flag(string name, bool otherwise) => Find(name)?.Flag() ?? otherwise;

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonField> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array) throw Fault.Field(File, Path, Describe(Element), "an array");
        string path = Path;
        int i = 0;
        foreach (JsonElement item in Element.EnumerateArray()) yield return new JsonField(File, path, "", i++, item);
    }

    /// <summary>The members of an object.</summary>
    public IEnumerable<(string Name, JsonField Value)> Members()
    {
        if (Element.ValueKind != JsonValueKind.Object) throw Fault.Field(File, Path, Describe(Element), "an object");
        string path = Path;
        foreach (JsonProperty member in Element.EnumerateObject())
        {
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException)
            {
                throw Fault.Field(File, Path, "an object with half a surrogate pair in a name", "well-formed text");
            }

            yield return (name, MemberOf(path, name, member.Value));
        }
    }

    /// <summary>The error for a value that is well-formed but of no supported kind.</summary>
    public TokenizerException Unsupported(string supported) => Fault.Unsupported(File, Path, Describe(Element), supported);

    private static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.Null => "null",
        _ => Shortened(element.GetRawText()),
    };

    private static string Shortened(string text) => text.Length <= 120 ? text : text[..120] + "…";

    private JsonField MemberOf(string path, string name, JsonElement member) => new(File, path, name, -1, member);
}
