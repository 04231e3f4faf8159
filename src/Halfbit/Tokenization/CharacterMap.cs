using System.Buffers.Binary;

namespace Halfbit.Tokenization;

/// <summary>SentencePiece's precompiled_charsmap: the longest known string at each place is replaced.</summary>
/// <remarks>
/// Layout: the size of a trie in bytes (uint32), the trie, then the replacements, each ended by a zero byte. The trie is a double array
/// (Aoe 1989) in the form of darts-clone: a unit of 32 bits holds a label (bits 0–7), whether a leaf follows (bit 8), and the offset to its
/// children (bits 10–30, times 256 if bit 9 is set); a leaf holds the place of its replacement.
/// </remarks>
internal sealed class CharacterMap
{
    private readonly string file;
    private readonly uint[] units;
    private readonly byte[] replacements;

    private CharacterMap(string file, uint[] units, byte[] replacements)
    {
        this.file = file;
        this.units = units;
        this.replacements = replacements;
    }

    /// <summary>Reads a map; null when it is empty, which means identity.</summary>
    public static CharacterMap? Read(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.IsEmpty) return null;
        if (bytes.Length < 4) throw Broken(file);
        uint trieBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (trieBytes == 0 || trieBytes % 4 != 0 || trieBytes > bytes.Length - 4) throw Broken(file);
        var units = new uint[trieBytes / 4];
        for (int i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (4 * i))..]);
        return new CharacterMap(file, units, bytes[(4 + (int)trieBytes)..].ToArray());
    }

    /// <summary>Appends the text with its replacements; a character that begins no known string stays.</summary>
    public void Append(ReadOnlySpan<byte> text, ByteList destination)
    {
        for (int i = 0; i < text.Length;)
        {
            int length = LongestAt(text[i..], out int replacement);
            if (length > 0)
            {
                destination.Add(ReplacementAt(replacement));
            }
            else
            {
                Utf8.CodePointAt(text, i, out length);
                destination.Add(text.Slice(i, length));
            }

            i += length;
        }
    }

    private static TokenizerException Broken(string file) => Fault.Malformed(file, "not a SentencePiece model (normalizer_spec.precompiled_charsmap is damaged)");

    private int LongestAt(ReadOnlySpan<byte> text, out int replacement)
    {
        replacement = 0;
        int longest = 0;
        uint node = OffsetOf(units[0]);
        for (int i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            if (node >= units.Length) throw Broken(file);
            uint unit = units[node];
            if ((unit & 0x800000FF) != text[i]) break;
            node ^= OffsetOf(unit);
            if ((unit >> 8 & 1) == 0) continue;
            if (node >= units.Length) throw Broken(file);
            replacement = (int)(units[node] & 0x7FFFFFFF);
            longest = i + 1;
        }

        return longest;
    }

    private ReadOnlySpan<byte> ReplacementAt(int start)
    {
        if (start >= replacements.Length) throw Broken(file);
        int length = replacements.AsSpan(start).IndexOf((byte)0);
        ReadOnlySpan<byte> found = length < 0 ? [] : replacements.AsSpan(start, length);
        return length >= 0 && System.Text.Unicode.Utf8.IsValid(found) ? found : throw Broken(file);
    }

    private static uint OffsetOf(uint unit) => (unit >> 10) << (int)((unit & (1u << 9)) >> 6);
}
