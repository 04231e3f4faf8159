namespace Halfbit.Tokenization;

/// <summary>A growable array of integers whose content is read as a span.</summary>
internal sealed class IntList(int capacity = 16)
{
    private int[] items = new int[capacity];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Span => items.AsSpan(0, Count);

    public int this[int i]
    {
        get => items[i];
        set => items[i] = value;
    }

    public void Add(int value)
    {
        if (Count == items.Length) Array.Resize(ref items, Math.Max(16, 2 * Count));
        items[Count++] = value;
    }

    public void Add(ReadOnlySpan<int> values)
    {
        if (values.Length > items.Length - Count) Array.Resize(ref items, Math.Max(2 * items.Length, Count + values.Length));
        values.CopyTo(items.AsSpan(Count));
        Count += values.Length;
    }

    public void Clear() => Count = 0;
}
