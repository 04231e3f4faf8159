namespace Halfbit.Tokenization;

/// <summary>A growable array of bytes whose content is read as a span.</summary>
internal sealed class ByteList(int capacity = 64)
{
    private byte[] items = new byte[capacity];

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Span => items.AsSpan(0, Count);

    public ReadOnlyMemory<byte> Memory => items.AsMemory(0, Count);

    public void Add(byte value)
    {
        if (Count == items.Length) Array.Resize(ref items, Math.Max(64, 2 * Count));
        items[Count++] = value;
    }

    public void Add(ReadOnlySpan<byte> values)
    {
        if (values.Length > items.Length - Count) Array.Resize(ref items, Math.Max(2 * items.Length, Count + values.Length));
        values.CopyTo(items.AsSpan(Count));
        Count += values.Length;
    }

    public void AddCodePoint(int codePoint)
    {
        Span<byte> encoded = stackalloc byte[4];
        int length = new System.Text.Rune(codePoint).EncodeToUtf8(encoded);
        Add(encoded[..length]);
    }

    /// <summary>Appends a text in which every occurrence of a string is replaced.</summary>
    public void AddReplacing(ReadOnlySpan<byte> text, ReadOnlySpan<byte> old, ReadOnlySpan<byte> replacement)
    {
        for (int found = text.IndexOf(old); found >= 0; found = text.IndexOf(old))
        {
            Add(text[..found]);
            Add(replacement);
            text = text[(found + old.Length)..];
        }

        Add(text);
    }

    public void RemoveLast(int count) => Count -= count;

    public void Clear() => Count = 0;
}
