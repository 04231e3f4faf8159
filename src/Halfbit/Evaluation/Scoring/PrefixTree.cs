using Halfbit.Models;

namespace Halfbit.Evaluation;

/// <summary>Sequences in one batch, in which each beginning that several of them share lies once.</summary>
/// <remarks>
/// A sequence follows what is in the batch as far as its tokens agree; the rest becomes a branch. Branches at one place differ in their first token,
/// so that segment, offset and token name a branch.
/// </remarks>
internal sealed class PrefixTree
{
    private readonly Dictionary<(int Segment, int Offset, int Token), int> branches = [];

    /// <summary>The rows, each a token after its own beginning.</summary>
    public SequenceBatch Batch { get; } = new();

    /// <summary>Distinct beginnings of all sequences: tokens that a pass runs.</summary>
    public int RowCount => Batch.RowCount;

    /// <summary>Removes all sequences; memory is kept.</summary>
    public void Clear()
    {
        Batch.Clear();
        branches.Clear();
    }

    /// <summary>Rows that <see cref="Add"/> would add.</summary>
    /// <param name="sequence">Token ids from position 0.</param>
    public int NewRows(ReadOnlySpan<int> sequence) => sequence.Length - Find(sequence).Length;

    /// <summary>Adds what the batch does not hold yet, and tells where the sequence's last tokens lie.</summary>
    /// <param name="sequence">Token ids from position 0, at least one.</param>
    /// <param name="lastRows">[1 to sequence length], destination: rows of the last tokens in the batch.</param>
    public void Add(ReadOnlySpan<int> sequence, Span<int> lastRows)
    {
        Place place = Find(sequence);
        int segment = place.Segment;
        if (place.Length < sequence.Length)
        {
            ReadOnlySpan<int> rest = sequence[place.Length..];
            segment = place.Segment < 0 ? Batch.Add(rest) : Batch.AddBranch(rest, place.Segment, place.Offset);
            branches.Add((place.Segment, place.Offset, rest[0]), segment);
        }

        SequenceSegment at = Batch.Segments[segment];
        for (int t = lastRows.Length - 1, position = sequence.Length - 1; t >= 0; t--, position--)
        {
            while (position < at.StartPosition) at = Batch.Segments[at.Parent];
            lastRows[t] = at.FirstRow + position - at.StartPosition;
        }
    }

    /// <summary>Follows a sequence as far as the batch holds it.</summary>
    private Place Find(ReadOnlySpan<int> sequence)
    {
        var place = new Place(-1, 0, 0);
        while (place.Length < sequence.Length && branches.TryGetValue((place.Segment, place.Offset, sequence[place.Length]), out int next))
        {
            SequenceSegment segment = Batch.Segments[next];
            int agreeing = sequence[place.Length..].CommonPrefixLength(Batch.Tokens.Slice(segment.FirstRow, segment.Count));
            place = new Place(next, agreeing, place.Length + agreeing);
        }

        return place;
    }

    /// <summary>Where a sequence leaves the batch.</summary>
    /// <param name="Segment">The last segment it follows, or -1.</param>
    /// <param name="Offset">Rows of that segment that it follows.</param>
    /// <param name="Length">Its tokens that the batch holds.</param>
    private readonly record struct Place(int Segment, int Offset, int Length);
}
