namespace Halfbit.Tokenization;

/// <summary>Which neighbouring units (bytes, or code points) some merge can ever join.</summary>
/// <remarks>
/// A merge (l, r) removes exactly one boundary of the text: the one between the last unit of l and the first unit of r. So a boundary
/// between units x and y can only be removed by a merge whose l ends in x and whose r begins with y. Where no such merge exists, the
/// boundary stays whatever else happens. The merges on its two sides do not touch each other, and the order among those of one side is
/// their order by rank and position as if that side were alone. Hence the text may be cut there, and each part encoded by itself, with
/// the same result. In SentencePiece vocabularies this cuts before nearly every word; in any vocabulary it bounds the work on long lines.
/// </remarks>
internal sealed class JoinablePairs
{
    private const int Dense = 256;
    private readonly ulong[] densePairs = new ulong[Dense * Dense / 64];
    private readonly PairTable otherPairs = new();

    public void Add(int lastOfLeft, int firstOfRight)
    {
        if ((lastOfLeft | firstOfRight) < Dense) densePairs[Word(lastOfLeft, firstOfRight)] |= 1ul << (firstOfRight & 63);
        else otherPairs.Set(lastOfLeft, firstOfRight, 0, 0);
    }

    public bool Contains(int left, int right)
        => (left | right) < Dense
            ? (densePairs[Word(left, right)] >> (right & 63) & 1) != 0
            : otherPairs.Contains(left, right);

    private static int Word(int left, int right) => ((left * Dense) + right) >> 6;
}
