using System.Globalization;
using System.Text.Json;

namespace Halfbit.Checkpoints;

/// <summary>The fields of one JSON object of config.json, read with a type and a range; each complaint names file, field, what was found and what was expected.</summary>
internal sealed class ModelConfigFields(string path, string prefix, JsonElement fields)
{
    private const string Remedy = "correct config.json or fetch it again from where the model came from";

    /// <summary>The largest integer that is believed: 2²⁴. It keeps products of two sizes inside 64 bits and of one size and bytes inside 32.</summary>
    public const int Largest = 1 << 24;

    /// <summary>Path of the file, for messages.</summary>
    public string Path => path;

    /// <summary>The field, or null where it is absent or null.</summary>
    public JsonElement? Find(string name)
        => fields.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Whether the field is written, even as null.</summary>
    public bool IsWritten(string name) => fields.TryGetProperty(name, out _);

    /// <summary>An integer of at least <paramref name="minimum"/>; must be present.</summary>
    public int Integer(string name, int minimum = 1)
        => IntegerOrNull(name, minimum) ?? throw Missing(name, Invariant($"an integer from {minimum} to {Largest}"));

    /// <summary>An integer of at least <paramref name="minimum"/>, or null where the field is absent or null.</summary>
    public int? IntegerOrNull(string name, int minimum = 1)
    {
        if (Find(name) is not JsonElement value) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int number) || number < minimum || number > Largest)
            throw Wrong(name, value, Invariant($"an integer from {minimum} to {Largest}"));
        return number;
    }

    /// <summary>A number above zero, or <paramref name="absent"/>.</summary>
    public double PositiveNumber(string name, double absent)
        => PositiveNumberOrNull(name) ?? absent;

    /// <summary>A number above zero; must be present.</summary>
    public double PositiveNumber(string name)
        => PositiveNumberOrNull(name) ?? throw Missing(name, "a number above 0");

    /// <summary>A number above zero, or null where the field is absent or null.</summary>
    public double? PositiveNumberOrNull(string name)
    {
        if (Find(name) is not JsonElement value) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !(number > 0) || double.IsInfinity(number))
            throw Wrong(name, value, "a number above 0");
        return number;
    }

    /// <summary>true or false, or <paramref name="absent"/>.</summary>
    public bool Flag(string name, bool absent)
    {
        if (Find(name) is not JsonElement value) return absent;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(name, value, "true or false"),
        };
    }

    /// <summary>A text, or null where the field is absent or null.</summary>
    public string? TextOrNull(string name)
    {
        if (Find(name) is not JsonElement value) return null;
        if (value.ValueKind != JsonValueKind.String) throw Wrong(name, value, "a text");
        return TextOf(name, value);
    }

    /// <summary>A text, one of <paramref name="known"/>; must be present unless <paramref name="absent"/> says what its absence means.</summary>
    public string OneOf(string name, ReadOnlySpan<string> known, string? absent = null)
    {
        string expected = "one of " + string.Join(", ", known.ToArray());
        string found = TextOrNull(name) ?? absent ?? throw Missing(name, expected);
        if (!known.Contains(found)) throw Wrong(name, Find(name)!.Value, expected, "only models of these kinds can be run");
        return found;
    }

    /// <summary>A list of texts, or null where the field is absent or null.</summary>
    public IReadOnlyList<string>? TextsOrNull(string name)
    {
        if (Find(name) is not JsonElement value) return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.String))
            throw Wrong(name, value, "a list of texts");
        return [.. value.EnumerateArray().Select(e => TextOf(name, e))];
    }

    /// <summary>A token id, a list of token ids, or nothing.</summary>
    public IReadOnlyList<int> TokenIds(string name, int vocabularySize)
    {
        if (Find(name) is not JsonElement value) return [];
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        var ids = new int[items.Length];
        for (int i = 0; i < items.Length; i++)
        {
            if (items[i].ValueKind != JsonValueKind.Number || !items[i].TryGetInt32(out ids[i]) || ids[i] < 0 || ids[i] >= vocabularySize)
                throw Wrong(name, value, Invariant($"token ids from 0 to {vocabularySize - 1} (vocab_size − 1)"));
        }

        return ids;
    }

    /// <summary>The fields of a nested object, or null where it is absent or null.</summary>
    public ModelConfigFields? Object(string name)
    {
        if (Find(name) is not JsonElement value) return null;
        if (value.ValueKind != JsonValueKind.Object) throw Wrong(name, value, "an object or null");
        return new ModelConfigFields(path, prefix + name + ".", value);
    }

    /// <summary>An error for a field that is not there.</summary>
    public CheckpointException Missing(string name, string expected)
        => new($"{path}: field '{prefix}{name}' is missing, expected {expected}; {Remedy}");

    /// <summary>An error for a field that holds something else than expected.</summary>
    public CheckpointException Wrong(string name, JsonElement found, string expected, string remedy = Remedy)
    {
        string text = found.GetRawText().ReplaceLineEndings(" ");
        if (text.Length > 80) text = text[..77] + "...";
        return new CheckpointException($"{path}: field '{prefix}{name}' is {text}, expected {expected}; {remedy}");
    }

    /// <summary>An error for numbers that contradict each other.</summary>
    public CheckpointException Contradiction(FormattableString what)
        => new($"{path}: {Invariant(what)}; {Remedy}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private string TextOf(string name, JsonElement value)
    {
        try
        {
            return value.GetString() ?? string.Empty;
        }
        catch (InvalidOperationException)
        {
            throw new CheckpointException($"{path}: field '{prefix}{name}' is not valid Unicode text; {Remedy}");
        }
    }
}
