using System.Text;

namespace Halfbit.Tokenization;

/// <summary>The printable stand-ins that byte-level vocabularies use for the 256 bytes (GPT-2's bytes_to_unicode).</summary>
/// <remarks>Bytes that Latin-1 prints stand for themselves; the other 68 are given U+0100, U+0101, … in order. So a space is written Ġ.</remarks>
internal static class ByteAlphabet
{
    private static readonly char[] characterOf = CreateCharacters();
    private static readonly short[] byteOf = CreateBytes();

    public static char CharacterOf(byte value) => characterOf[value];

    /// <summary>The byte that a character stands for; −1 when it stands for none.</summary>
    public static int ByteOf(char character) => character < byteOf.Length ? byteOf[character] : -1;

    /// <summary>The bytes that a vocabulary text stands for; false when a character of it stands for no byte.</summary>
    public static bool TryGetBytes(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        for (int i = 0; i < text.Length; i++)
        {
            int value = ByteOf(text[i]);
            if (value < 0)
            {
                bytes = Encoding.UTF8.GetBytes(text);
                return false;
            }

            bytes[i] = (byte)value;
        }

        return true;
    }

    private static char[] CreateCharacters()
    {
        var result = new char[256];
        int next = 0x100;
        for (int b = 0; b < 256; b++)
        {
            bool isPrintable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            result[b] = isPrintable ? (char)b : (char)next++;
        }

        return result;
    }

    private static short[] CreateBytes()
    {
        var result = new short[0x100 + 68];
        Array.Fill(result, (short)-1);
        for (int b = 0; b < 256; b++) result[characterOf[b]] = (short)b;
        return result;
    }
}
