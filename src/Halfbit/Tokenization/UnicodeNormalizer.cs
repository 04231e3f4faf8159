using System.Text;

namespace Halfbit.Tokenization;

/// <summary>The Unicode normal forms NFC, NFD, NFKC and NFKD (Unicode Standard Annex 15).</summary>
/// <remarks>
/// Most text is in normal form already. A code point is stable when it has class 0, is its own normal form, and never joins the one before it;
/// runs of stable code points are copied. What lies between, with the stable one before it, is decomposed, put in order, and composed.
/// </remarks>
internal sealed class UnicodeNormalizer : Normalizer
{
    private readonly UnicodeTables tables = UnicodeTables.Shared;
    private readonly bool composes;
    private readonly bool isCompatible;
    private readonly bool[] isUnstable = new bool[0x10000];
    private readonly HashSet<int> otherUnstable = [];

    /// <param name="composes">NFC or NFKC; else NFD or NFKD.</param>
    /// <param name="isCompatible">NFKC or NFKD; else NFC or NFD.</param>
    public UnicodeNormalizer(bool composes, bool isCompatible)
    {
        this.composes = composes;
        this.isCompatible = isCompatible;
        foreach (int codePoint in tables.Combining) SetUnstable(codePoint);
        if (composes)
        {
            foreach (int codePoint in tables.Joining) SetUnstable(codePoint);
        }

        var form = new List<int>();
        foreach (int codePoint in tables.Decomposable)
        {
            form.Clear();
            Normalize([codePoint], form);
            if (form is not [int single] || single != codePoint) SetUnstable(codePoint);
        }
    }

    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        ReadOnlySpan<byte> span = text.Span;
        if (Ascii.IsValid(span)) return text;

        var result = new ByteList(span.Length + 16);
        var part = new List<int>();
        var form = new List<int>();
        int copied = 0;
        int last = 0;
        for (int i = 0; i < span.Length;)
        {
            int codePoint = Utf8.CodePointAt(span, i, out int length);
            if (!IsUnstable(codePoint))
            {
                last = i;
                i += length;
                continue;
            }

            // From the stable code point before this one to the next stable one.
            result.Add(span[copied..last]);
            part.Clear();
            for (i = last; i < span.Length; i += length)
            {
                codePoint = Utf8.CodePointAt(span, i, out length);
                if (i > last && !IsUnstable(codePoint)) break;
                part.Add(codePoint);
            }

            form.Clear();
            Normalize(part, form);
            foreach (int normalized in form) result.AddCodePoint(normalized);
            copied = last = i;
        }

        result.Add(span[copied..]);
        return result.Memory;
    }

    private void Normalize(List<int> part, List<int> form)
    {
        foreach (int codePoint in part) tables.Decompose(codePoint, isCompatible, form);
        PutInOrder(form);
        if (composes) Compose(form);
    }

    /// <summary>Sorts each run of combining code points by class, stably.</summary>
    private void PutInOrder(List<int> form)
    {
        for (int start = 0; start < form.Count; start++)
        {
            if (tables.CombiningClass(form[start]) == 0) continue;
            int end = start;
            while (end < form.Count && tables.CombiningClass(form[end]) != 0) end++;
            int[] ordered = [.. form.GetRange(start, end - start).OrderBy(tables.CombiningClass)];
            for (int i = start; i < end; i++) form[i] = ordered[i - start];
            start = end;
        }
    }

    /// <summary>Joins each code point with the last starter before it, unless one of an equal or higher class stands between.</summary>
    private void Compose(List<int> form)
    {
        int starter = -1;
        int lastClass = 0;
        int count = 0;
        for (int i = 0; i < form.Count; i++)
        {
            int codePoint = form[i];
            int combiningClass = tables.CombiningClass(codePoint);
            bool isAdjacent = count == starter + 1;
            if (starter >= 0 && (isAdjacent || (lastClass != 0 && lastClass < combiningClass)) && tables.TryCompose(form[starter], codePoint, out int composed))
            {
                form[starter] = composed;
                continue;
            }

            if (combiningClass == 0) starter = count;
            lastClass = combiningClass;
            form[count++] = codePoint;
        }

        form.RemoveRange(count, form.Count - count);
    }

    private bool IsUnstable(int codePoint)
    {
        if (codePoint >= isUnstable.Length) return otherUnstable.Contains(codePoint);
        return isUnstable[codePoint] || (!composes && UnicodeTables.IsHangulSyllable(codePoint));
    }

    private void SetUnstable(int codePoint)
    {
        if (codePoint < isUnstable.Length) isUnstable[codePoint] = true;
        else otherUnstable.Add(codePoint);
    }
}
