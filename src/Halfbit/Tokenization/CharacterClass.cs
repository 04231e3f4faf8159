using System.Globalization;

namespace Halfbit.Tokenization;

/// <summary>The Unicode properties that splits of text ask for.</summary>
[Flags]
internal enum CharacterClass : byte
{
    /// <summary>None of the others, for instance a symbol or an unassigned code point.</summary>
    None = 0,

    /// <summary>\p{L}.</summary>
    Letter = 1,

    /// <summary>\p{N}: decimal digits, letter-like and other numbers.</summary>
    Number = 2,

    /// <summary>White_Space, the \s of Oniguruma and of Rust.</summary>
    Space = 4,

    /// <summary>\p{P}, and the ASCII symbols that are punctuation in Rust's sense.</summary>
    Punctuation = 8,

    /// <summary>\p{M}.</summary>
    Mark = 16,

    /// <summary>\w: Alphabetic, marks, decimal digits, connectors, joiners.</summary>
    Word = 32,
}

/// <summary>Classes of all code points: a table for the basic plane, computed for the others.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] basicPlane = Tabulate();

    public static CharacterClass Of(int codePoint)
        => (uint)codePoint < (uint)basicPlane.Length ? basicPlane[codePoint] : Compute(codePoint);

    private static CharacterClass[] Tabulate()
    {
        var table = new CharacterClass[0x10000];
        for (int c = 0; c < table.Length; c++) table[c] = Compute(c);
        return table;
    }

    private static CharacterClass Compute(int codePoint)
    {
        CharacterClass result = CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClass.Letter | CharacterClass.Word,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber => CharacterClass.Number | CharacterClass.Word,
            UnicodeCategory.OtherNumber => CharacterClass.Number,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
                => CharacterClass.Mark | CharacterClass.Word,
            UnicodeCategory.ConnectorPunctuation => CharacterClass.Punctuation | CharacterClass.Word,
            UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation or UnicodeCategory.ClosePunctuation
                or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
                or UnicodeCategory.OtherPunctuation => CharacterClass.Punctuation,
            UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => CharacterClass.Space,
            _ => CharacterClass.None,
        };
        if (codePoint is (>= 0x09 and <= 0x0D) or 0x85) result |= CharacterClass.Space;
        if (codePoint < 0x80 && "$+<=>^`|~".Contains((char)codePoint)) result |= CharacterClass.Punctuation;
        if (codePoint is 0x200C or 0x200D || IsCircledLetter(codePoint)) result |= CharacterClass.Word;
        return result;
    }

    /// <summary>Symbols that are Alphabetic without being letters.</summary>
    private static bool IsCircledLetter(int codePoint)
        => codePoint is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
