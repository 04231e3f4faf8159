using System.Text;

namespace Halfbit.Tests.Tokenization;

/// <summary>Random strings that are meant to hurt: every kind of space, marks, control characters, emoji, runs.</summary>
internal static class ToyText
{
    private static readonly string[] basicPlane =
    [
        " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\u000B", "\u0085", "\u00A0", "\u3000", "\u2028", "\u200B", "\0", "\u0001", "\u007F",
        "a", "b", "ab", "s", "t", "Z", "é", "e\u0301", "ß", "ſ", "İ", "Ж", "你", "好", "ا", "ー", "ª", "'", "’", "'s", "'S", "'ſ", "'ll", "'LL", "'re", "'Ve", "'d", "'m", "'x",
        "0", "1", "12", "1234567", "٣", "Ⅷ", "½", "²", ".", ",", "!", "…", "—", "“", "$", "+", "_", "-", "@", "<s>", "</s>", "<unk>", "\uFFFD", "\uFEFF", "\u093E", "\u20DD",
    ];

    private static readonly string[] otherPlanes = ["😀", "👩\u200D👧", "🇬🇧", "𝒳", "𝟘", "𐐷", "𐐏", "𠀀", "𑄀", "𐡘", "\U000E0101", "\U0010FFFD", "𝅗𝅥", "🄰"];

    public static string Random(Random random, int parts, bool basicPlaneOnly = false)
    {
        var text = new StringBuilder();
        for (int i = 0; i < parts; i++)
        {
            int choice = random.Next(10);
            if (choice == 0 && !basicPlaneOnly) text.Append(otherPlanes[random.Next(otherPlanes.Length)]);
            else if (choice == 1) text.Append(RandomRune(random, basicPlaneOnly));
            else text.Append(basicPlane[random.Next(basicPlane.Length)]);
        }

        return text.ToString();
    }

    private static string RandomRune(Random random, bool basicPlaneOnly)
    {
        while (true)
        {
            int codePoint = random.Next(basicPlaneOnly ? 0x10000 : 0x110000);
            if (Rune.IsValid(codePoint)) return new Rune(codePoint).ToString();
        }
    }
}
