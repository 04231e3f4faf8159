namespace Halfbit.Tokenization;

/// <summary>Byte-pair encoding of one piece of text: its units (bytes, or characters) are joined two by two until no merge applies.</summary>
/// <remarks>
/// Definition: among all neighbouring symbols that some merge joins, take the merge of the lowest rank, the leftmost among equals; join these
/// two; repeat (Sennrich et al. 2016, arXiv:1508.07909, with the order of SentencePiece and of Hugging Face). Here an agenda keeps the possible
/// merges: O(n log n). An entry is stale when the symbols at its position no longer form a pair of its rank; this can be seen from the table alone.
/// </remarks>
internal sealed class BytePairEncoding
{
    /// <summary>A character that has no token, no byte tokens, and so becomes the unknown token.</summary>
    private const int UnknownSymbol = int.MaxValue;

    private readonly SymbolTable symbols;
    private readonly PairTable merges;
    private readonly JoinablePairs joinable;
    private readonly ByteStringMap? wholeWords;
    private readonly int? unknownId;
    private readonly bool fusesUnknown;
    private readonly bool mayCut;

    /// <param name="symbols">Symbols of single units.</param>
    /// <param name="merges">(symbol, symbol) → rank and joined symbol.</param>
    /// <param name="joinable">Pairs of units whose boundary some merge removes.</param>
    /// <param name="unknownId">Token of characters that are not in the vocabulary; null drops them.</param>
    /// <param name="fusesUnknown">Whether a run of unknown characters is one token.</param>
    /// <param name="wholeWords">Words that are looked up before any merge; null for none.</param>
    public BytePairEncoding(SymbolTable symbols, PairTable merges, JoinablePairs joinable, int? unknownId, bool fusesUnknown, ByteStringMap? wholeWords)
    {
        this.symbols = symbols;
        this.merges = merges;
        this.joinable = joinable;
        this.unknownId = unknownId;
        this.fusesUnknown = fusesUnknown;
        this.wholeWords = wholeWords;

        // A dropped character makes its neighbours adjacent, which the proof of JoinablePairs does not allow for.
        mayCut = unknownId is not null || symbols.IsComplete;
    }

    /// <summary>Appends the ids of one word.</summary>
    /// <param name="word">Well-formed UTF-8, not empty.</param>
    /// <param name="workspace">Buffers and cache of this encoding.</param>
    /// <param name="ids">Destination.</param>
    public void Encode(ReadOnlySpan<byte> word, EncodingWorkspace workspace, IntList ids)
    {
        workspace.EndsUnknown = false;
        if (wholeWords is not null && wholeWords.TryGet(word, out int id))
        {
            ids.Add(id);
            return;
        }

        int start = 0;
        if (mayCut && !(symbols.AreBytes && word.Length <= SegmentCache.LongestKey))
        {
            int previous = -1;
            for (int i = 0; i < word.Length;)
            {
                int unit = symbols.UnitAt(word, i, out int length);
                if (i > start && !joinable.Contains(previous, unit))
                {
                    EncodeSegment(word[start..i], workspace, ids);
                    start = i;
                }

                previous = unit;
                i += length;
            }
        }

        EncodeSegment(word[start..], workspace, ids);
    }

    private void EncodeSegment(ReadOnlySpan<byte> segment, EncodingWorkspace workspace, IntList ids)
    {
        bool isShort = segment.Length <= SegmentCache.LongestKey;
        if (isShort && workspace.Cache.TryGet(segment, out ReadOnlySpan<int> found))
        {
            ids.Add(found);
            workspace.EndsUnknown = false;
            return;
        }

        int first = ids.Count;
        int count = Start(segment, workspace);
        if (count > 1) Merge(workspace, count);
        bool hasUnknown = Emit(workspace, count, ids);

        // What an unknown character becomes depends on its neighbours, so it is not remembered.
        if (isShort && !hasUnknown) workspace.Cache.Add(segment, ids.Span[first..]);
    }

    /// <summary>Puts the symbols of single units into the workspace and links them.</summary>
    private int Start(ReadOnlySpan<byte> segment, EncodingWorkspace workspace)
    {
        workspace.Reserve(SymbolCount(segment));
        int[] line = workspace.Symbols;
        int count = 0;
        for (int i = 0; i < segment.Length;)
        {
            int unit = symbols.UnitAt(segment, i, out int length);
            int symbol = symbols.Of(unit);
            if (symbol >= 0) line[count++] = symbol;
            else if (symbols.HasByteTokens(segment.Slice(i, length)))
                for (int b = 0; b < length; b++) line[count++] = symbols.ByteToken(segment[i + b]);
            else if (unknownId is not null) line[count++] = UnknownSymbol;
            i += length;
        }

        for (int i = 0; i < count; i++)
        {
            workspace.Next[i] = i + 1;
            workspace.Previous[i] = i - 1;
        }

        return count;
    }

    /// <summary>At most how many symbols a segment starts with.</summary>
    private int SymbolCount(ReadOnlySpan<byte> segment)
    {
        if (symbols.AreBytes || segment.Length <= SegmentCache.LongestKey) return segment.Length;
        int count = 0;
        for (int i = 0; i < segment.Length;)
        {
            int unit = symbols.UnitAt(segment, i, out int length);
            count += symbols.Of(unit) >= 0 ? 1 : length;
            i += length;
        }

        return count;
    }

    private void Merge(EncodingWorkspace workspace, int count)
    {
        int[] line = workspace.Symbols;
        int[] next = workspace.Next;
        int[] previous = workspace.Previous;
        MergeAgenda agenda = workspace.Agenda;
        agenda.Clear();
        for (int i = 0; i + 1 < count; i++)
        {
            if (merges.TryGet(line[i], line[i + 1], out int rank, out _)) agenda.Append(rank, i);
        }

        agenda.Order();
        while (!agenda.IsEmpty)
        {
            agenda.Pop(out int rank, out int i);
            int j = line[i] < 0 ? count : next[i];
            if (j == count || !merges.TryGet(line[i], line[j], out int currentRank, out int joined) || currentRank != rank) continue;

            line[i] = joined;
            line[j] = -1;
            int after = next[j];
            next[i] = after;
            if (after < count)
            {
                previous[after] = i;
                if (merges.TryGet(joined, line[after], out int newRank, out _)) agenda.Push(newRank, i);
            }

            int before = previous[i];
            if (before >= 0 && merges.TryGet(line[before], joined, out int rankBefore, out _)) agenda.Push(rankBefore, before);
        }
    }

    /// <summary>Appends the ids of the symbols that are left; true when an unknown character was among them.</summary>
    private bool Emit(EncodingWorkspace workspace, int count, IntList ids)
    {
        bool hasUnknown = false;
        for (int i = 0; i < count; i = workspace.Next[i])
        {
            int symbol = workspace.Symbols[i];
            if (symbols.IsToken(symbol))
            {
                ids.Add(symbol);
                workspace.EndsUnknown = false;
                continue;
            }

            if (symbol != UnknownSymbol && symbols.TryGetByteTokens(symbol, ids))
            {
                workspace.EndsUnknown = false;
                continue;
            }

            hasUnknown = true;
            if (unknownId is int unknown && !(fusesUnknown && workspace.EndsUnknown)) ids.Add(unknown);
            workspace.EndsUnknown = true;
        }

        return hasUnknown;
    }
}
