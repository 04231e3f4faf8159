namespace Halfbit.Models;

/// <summary>Consecutive rows of a batch that belong to one sequence.</summary>
/// <param name="Cache">Where the sequence's earlier keys and values are and its new ones go; null for a sequence that is complete in these rows.</param>
/// <param name="FirstRow">First row in the batch.</param>
/// <param name="Count">Rows, at least 1.</param>
/// <param name="StartPosition">Position of the first row in its sequence; 0 without a cache and a parent.</param>
/// <param name="Parent">For a branch, the index of the segment that it continues; -1 for a sequence of its own.</param>
/// <param name="ParentCount">Rows of the parent that come before the branch, 1 to the parent's <paramref name="Count"/>; 0 without a parent.</param>
public readonly record struct SequenceSegment(KeyValueCache? Cache, int FirstRow, int Count, int StartPosition, int Parent = -1, int ParentCount = 0);

/// <summary>
/// The tokens of one forward pass: rows of several sequences below each other. Whole windows (no cache), pieces of a prompt, and single
/// new tokens of many sequences can be mixed; attention never crosses from one sequence to another.
/// </summary>
/// <remarks>
/// Sequences without caches can share their beginnings: a branch continues another segment after some of its rows. Each row then has the bits that it has
/// when the sequence from the root to that row runs alone.
/// </remarks>
public sealed class SequenceBatch
{
    private readonly List<SequenceSegment> segments = [];
    private readonly List<QueryBlock> queryBlocks = [];
    private int[] tokens = new int[64];
    private int[] positions = new int[64];

    /// <summary>A batch without rows.</summary>
    public SequenceBatch()
    {
    }

    /// <summary>One sequence without a cache.</summary>
    /// <param name="tokens">Token ids, at least one.</param>
    public SequenceBatch(ReadOnlySpan<int> tokens) => Add(tokens);

    /// <summary>Rows of all segments.</summary>
    public int RowCount { get; private set; }

    /// <summary>[<see cref="RowCount"/>] token ids.</summary>
    public ReadOnlySpan<int> Tokens => tokens.AsSpan(0, RowCount);

    /// <summary>[<see cref="RowCount"/>] position of each row in its sequence.</summary>
    public ReadOnlyMemory<int> Positions => positions.AsMemory(0, RowCount);

    /// <summary>One past the largest position.</summary>
    public int PositionCount { get; private set; }

    /// <summary>The sequences, in the order of their rows.</summary>
    public IReadOnlyList<SequenceSegment> Segments => segments;

    /// <summary>Pieces of segments that attention handles one at a time.</summary>
    internal IReadOnlyList<QueryBlock> QueryBlocks => queryBlocks;

    /// <summary>Removes all rows; memory is kept.</summary>
    public void Clear()
    {
        segments.Clear();
        queryBlocks.Clear();
        RowCount = 0;
        PositionCount = 0;
    }

    /// <summary>Appends the next tokens of a sequence.</summary>
    /// <param name="newTokens">Token ids, at least one.</param>
    /// <param name="cache">The sequence's cache (once per batch), or null for a sequence that starts and ends here.</param>
    /// <returns>Index of the new segment.</returns>
    /// <exception cref="ArgumentException">No tokens, the cache is already in the batch, or the tokens do not fit in it.</exception>
    public int Add(ReadOnlySpan<int> newTokens, KeyValueCache? cache = null)
    {
        if (newTokens.IsEmpty) throw new ArgumentException("a sequence needs at least one token");
        int start = cache?.Length ?? 0;
        if (cache is not null)
        {
            if (start + newTokens.Length > cache.Capacity)
                throw new ArgumentException($"{start} + {newTokens.Length} tokens do not fit in a cache of {cache.Capacity} positions; shorten the prompt or raise the context length");
            foreach (SequenceSegment segment in segments)
            {
                if (ReferenceEquals(segment.Cache, cache)) throw new ArgumentException("a cache can be in a batch only once");
            }
        }

        return Append(newTokens, cache, start, parent: -1, parentCount: 0);
    }

    /// <summary>Appends another continuation of a sequence without a cache: the new rows follow the first rows of a segment, which follow those of its own parent.</summary>
    /// <param name="newTokens">Token ids, at least one.</param>
    /// <param name="parentSegment">Index of the segment to continue; it has no cache, but may be a branch.</param>
    /// <param name="parentCount">Rows of that segment that come before the new ones, 1 to its count.</param>
    /// <returns>Index of the new segment.</returns>
    /// <exception cref="ArgumentException">No tokens, no such segment, it has a cache, or it has fewer rows.</exception>
    public int AddBranch(ReadOnlySpan<int> newTokens, int parentSegment, int parentCount)
    {
        if (newTokens.IsEmpty) throw new ArgumentException("a branch needs at least one token");
        if ((uint)parentSegment >= (uint)segments.Count)
            throw new ArgumentException($"segment {parentSegment} cannot be continued: the batch has {segments.Count} segments", nameof(parentSegment));
        SequenceSegment parent = segments[parentSegment];
        if (parent.Cache is not null)
            throw new ArgumentException($"segment {parentSegment} has a cache and cannot be continued by a branch; add the sequence without a cache", nameof(parentSegment));
        if (parentCount < 1 || parentCount > parent.Count)
            throw new ArgumentException($"a branch after {parentCount} rows of segment {parentSegment}, expected 1 to {parent.Count}", nameof(parentCount));
        return Append(newTokens, cache: null, parent.StartPosition + parentCount, parentSegment, parentCount);
    }

    /// <summary>Counts the rows as part of their caches; called once all blocks have stored their keys and values.</summary>
    public void AdvanceCaches()
    {
        foreach (SequenceSegment segment in segments) segment.Cache?.Advance(segment.Count);
    }

    private int Append(ReadOnlySpan<int> newTokens, KeyValueCache? cache, int start, int parent, int parentCount)
    {
        int end = RowCount + newTokens.Length;
        if (end > tokens.Length)
        {
            Array.Resize(ref tokens, Math.Max(end, tokens.Length * 2));
            Array.Resize(ref positions, tokens.Length);
        }

        newTokens.CopyTo(tokens.AsSpan(RowCount));
        for (int t = 0; t < newTokens.Length; t++) positions[RowCount + t] = start + t;
        for (int t = 0; t < newTokens.Length; t += QueryBlock.MaxRows)
            queryBlocks.Add(new QueryBlock(segments.Count, t, Math.Min(QueryBlock.MaxRows, newTokens.Length - t)));
        segments.Add(new SequenceSegment(cache, RowCount, newTokens.Length, start, parent, parentCount));
        RowCount = end;
        PositionCount = Math.Max(PositionCount, start + newTokens.Length);
        return segments.Count - 1;
    }
}

/// <summary>Some queries of one segment.</summary>
/// <param name="Segment">Index of the segment.</param>
/// <param name="First">First row, relative to the segment.</param>
/// <param name="Count">Rows, 1 to <see cref="MaxRows"/>.</param>
internal readonly record struct QueryBlock(int Segment, int First, int Count)
{
    /// <summary>Rows of a full block: enough to make a product worth its set-up, few enough to waste little of the causal triangle.</summary>
    public const int MaxRows = 64;
}
