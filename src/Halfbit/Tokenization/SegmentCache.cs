namespace Halfbit.Tokenization;

/// <summary>Remembers the ids of short pieces of text. Bounded: when full, it starts anew.</summary>
internal sealed class SegmentCache
{
    /// <summary>Longest text that is remembered, in bytes.</summary>
    public const int LongestKey = 32;

    private const int MostEntries = 1 << 15;
    private readonly ByteStringMap starts = new();
    private readonly IntList ids = new(1024);

    /// <summary>Finds the ids of a text.</summary>
    /// <param name="segment">Not longer than <see cref="LongestKey"/>.</param>
    /// <param name="found">Valid until the next call of <see cref="Add"/>.</param>
    public bool TryGet(ReadOnlySpan<byte> segment, out ReadOnlySpan<int> found)
    {
        if (!starts.TryGet(segment, out int start))
        {
            found = default;
            return false;
        }

        found = ids.Span.Slice(start + 1, ids[start]);
        return true;
    }

    public void Add(ReadOnlySpan<byte> segment, ReadOnlySpan<int> segmentIds)
    {
        if (starts.Count >= MostEntries)
        {
            starts.Clear();
            ids.Clear();
        }

        starts.Add(segment, ids.Count);
        ids.Add(segmentIds.Length);
        ids.Add(segmentIds);
    }
}
