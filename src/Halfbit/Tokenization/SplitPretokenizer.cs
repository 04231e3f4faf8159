namespace Halfbit.Tokenization;

/// <summary>What becomes of the matches of a split.</summary>
internal enum SplitBehavior
{
    /// <summary>Each match is a piece.</summary>
    Isolated,

    /// <summary>Matches are left out.</summary>
    Removed,

    /// <summary>A match is joined to the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match is joined to the piece after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring matches are one piece.</summary>
    Contiguous,
}

/// <summary>Cuts pieces at the matches of a pattern.</summary>
/// <param name="pattern">What is searched for.</param>
/// <param name="behavior">What becomes of matches.</param>
/// <param name="inverts">Takes what lies between the matches for the matches, and the other way round.</param>
internal sealed class SplitPretokenizer(TextPattern pattern, SplitBehavior behavior, bool inverts) : Pretokenizer
{
    public override Pieces Apply(Pieces pieces)
    {
        var result = new Pieces(pieces.Text, pieces.StartsText);
        var matches = new IntList();
        var sections = new List<Section>();
        for (int i = 0; i < pieces.Count; i++)
        {
            (int start, int end) = pieces.Bounds(i);
            matches.Clear();
            pattern.FindMatches(pieces.Text.Span[start..end], matches);
            if (behavior is SplitBehavior.Isolated or SplitBehavior.Removed) AddSections(start, end, matches, result);
            else AddMergedSections(start, end, matches, sections, result);
        }

        return result;
    }

    private void AddSections(int start, int end, IntList matches, Pieces result)
    {
        bool keepsMatches = behavior == SplitBehavior.Isolated || inverts;
        bool keepsRest = behavior == SplitBehavior.Isolated || !inverts;
        int done = start;
        for (int m = 0; m < matches.Count; m += 2)
        {
            if (keepsRest) result.Add(done, start + matches[m]);
            if (keepsMatches) result.Add(start + matches[m], start + matches[m + 1]);
            done = start + matches[m + 1];
        }

        if (keepsRest) result.Add(done, end);
    }

    private void AddMergedSections(int start, int end, IntList matches, List<Section> sections, Pieces result)
    {
        sections.Clear();
        int done = start;
        for (int m = 0; m < matches.Count; m += 2)
        {
            if (done < start + matches[m]) sections.Add(new Section(done, start + matches[m], inverts));
            done = start + matches[m + 1];
            sections.Add(new Section(start + matches[m], done, !inverts));
        }

        if (done < end) sections.Add(new Section(done, end, inverts));

        for (int s = 0; s < sections.Count;)
        {
            int last = s;
            while (last + 1 < sections.Count && JoinsNext(sections, last)) last++;
            result.Add(sections[s].Start, sections[last].End);
            s = last + 1;
        }
    }

    /// <summary>Whether a section and the one after it are one piece. Of neighbouring matches only the first (or last) is joined to its neighbour.</summary>
    private bool JoinsNext(List<Section> sections, int s) => behavior switch
    {
        SplitBehavior.Contiguous => sections[s].IsMatch == sections[s + 1].IsMatch,
        SplitBehavior.MergedWithPrevious => !sections[s].IsMatch && sections[s + 1].IsMatch,
        _ => sections[s].IsMatch && !sections[s + 1].IsMatch,
    };

    private readonly record struct Section(int Start, int End, bool IsMatch);
}
