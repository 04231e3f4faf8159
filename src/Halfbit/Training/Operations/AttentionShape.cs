namespace Halfbit.Training;

/// <summary>What causal attention is over.</summary>
/// <param name="Length">Tokens of a sequence; sequences lie one after the other in the rows.</param>
/// <param name="Heads">Query heads, a multiple of <paramref name="KeyValueHeads"/>.</param>
/// <param name="KeyValueHeads">Key and value heads; each serves Heads / KeyValueHeads query heads in a row.</param>
/// <param name="HeadSize">d, features of a head.</param>
/// <param name="Window">Keys that a query sees, itself included; null for all up to itself.</param>
internal readonly record struct AttentionShape(int Length, int Heads, int KeyValueHeads, int HeadSize, int? Window)
{
    /// <summary>Query heads per key and value head.</summary>
    public int Sharing => Heads / KeyValueHeads;

    /// <summary>The first key that the query at position <paramref name="query"/> sees; the last one is the query's own.</summary>
    public int FirstKey(int query) => Window is int W ? Math.Max(0, query - W + 1) : 0;
}
