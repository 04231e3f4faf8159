namespace Halfbit.Training;

/// <summary>Sizes of causal attention.</summary>
/// <param name="Length">Tokens of each sequence.</param>
/// <param name="Heads">Heads of queries.</param>
/// <param name="KeyValueHeads">Heads of keys and values; divides <paramref name="Heads"/>.</param>
/// <param name="HeadSize">Features of a head, d.</param>
/// <param name="Window">W: query i sees keys j with i − W &lt; j ≤ i; null: all j ≤ i.</param>
internal readonly record struct AttentionShape(int Length, int Heads, int KeyValueHeads, int HeadSize, int? Window)
{
    /// <summary>Query heads that share a key and value head.</summary>
    public int Sharing => Heads / KeyValueHeads;

    /// <summary>The first key that a query sees.</summary>
    public int FirstKey(int query) => Window is int window ? Math.Max(0, query - window + 1) : 0;
}
