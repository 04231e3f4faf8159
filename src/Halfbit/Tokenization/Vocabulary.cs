namespace Halfbit.Tokenization;

/// <summary>Texts of the tokens as the file writes them, and the way back from a text to its id.</summary>
internal sealed class Vocabulary
{
    /// <summary>Largest id that is accepted, so that a damaged file cannot ask for all memory.</summary>
    public const int LargestId = (1 << 24) - 1;

    private readonly string file;
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly List<string?> texts = [];

    /// <param name="file">Named in errors.</param>
    public Vocabulary(string file) => this.file = file;

    /// <summary>One more than the largest id.</summary>
    public int Size => texts.Count;

    /// <summary>Text of an id in [0, <see cref="Size"/>); null where the file has no token.</summary>
    public string? this[int id] => texts[id];

    public bool TryGetId(string text, out int id) => ids.TryGetValue(text, out id);

    public bool TryGetId(ReadOnlySpan<char> text, out int id) => ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out id);

    public int? Find(string? text) => text is not null && ids.TryGetValue(text, out int id) ? id : null;

    /// <summary>Adds a token; the same token twice is accepted, another one under its id or another id for its text is not.</summary>
    public void Add(string text, int id)
    {
        if (id is < 0 or > LargestId)
            throw Fault.Malformed(file, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"token '{text}' has id {id}, expected 0 to {LargestId}"));
        while (texts.Count <= id) texts.Add(null);
        if (texts[id] is string other && other != text) throw Fault.DuplicateId(file, id, other, text);
        if (ids.TryGetValue(text, out int known) && known != id)
            throw Fault.Malformed(file, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"token '{text}' has two ids, {known} and {id}"));
        texts[id] = text;
        ids[text] = id;
    }

    /// <summary>Adds a token that a configuration names; it may give an id of the vocabulary another text.</summary>
    public void AddOrRename(string text, int id)
    {
        if (id >= 0 && id < texts.Count && texts[id] is string old && old != text)
        {
            if (ids.GetValueOrDefault(old, -1) == id) ids.Remove(old);
            texts[id] = null;
        }

        Add(text, id);
    }
}
