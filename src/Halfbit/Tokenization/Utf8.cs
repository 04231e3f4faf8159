using System.Text;

namespace Halfbit.Tokenization;

/// <summary>The text form of this room: well-formed UTF-8, made once at the border, so that inner loops need not validate.</summary>
internal static class Utf8
{
    /// <summary>Encodes UTF-16 text; each lone surrogate becomes U+FFFD.</summary>
    public static byte[] Of(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>The code point that starts at byte <paramref name="i"/> of well-formed text.</summary>
    /// <param name="text">Well-formed UTF-8.</param>
    /// <param name="i">Index of a first byte.</param>
    /// <param name="length">Its length in bytes, 1 to 4.</param>
    public static int CodePointAt(ReadOnlySpan<byte> text, int i, out int length)
    {
        int first = text[i];
        if (first < 0x80)
        {
            length = 1;
            return first;
        }

        if (first < 0xE0)
        {
            length = 2;
            return ((first & 0x1F) << 6) | (text[i + 1] & 0x3F);
        }

        if (first < 0xF0)
        {
            length = 3;
            return ((first & 0x0F) << 12) | ((text[i + 1] & 0x3F) << 6) | (text[i + 2] & 0x3F);
        }

        length = 4;
        return ((first & 0x07) << 18) | ((text[i + 1] & 0x3F) << 12) | ((text[i + 2] & 0x3F) << 6) | (text[i + 3] & 0x3F);
    }

    /// <summary>The index of the first byte of the code point that ends just before <paramref name="end"/>.</summary>
    public static int StartOfLast(ReadOnlySpan<byte> text, int end)
    {
        int start = end - 1;
        while ((text[start] & 0xC0) == 0x80) start--;
        return start;
    }
}
