using System.Buffers.Binary;
using System.Text;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

public sealed class SentencePieceTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Encoding_equals_the_definition_by_scores(int seed)
    {
        // Whole numbers as scores, so that there are ties; some characters (é, 好) are only parts of longer pieces, some (x) are unknown.
        var random = new Random(seed);
        var pieces = new Dictionary<string, float>();
        foreach (string unit in new[] { "a", "b", "▁", "😀" }) pieces[unit] = -random.Next(20);
        while (pieces.Count < 60)
        {
            string text = RandomText(random, ["a", "b", "▁", "😀", "é", "好"], 2 + random.Next(4));
            pieces.TryAdd(text, -random.Next(20));
        }

        (string, float, PieceKind)[] normal = [.. pieces.Select(piece => (piece.Key, piece.Value, PieceKind.Normal))];
        foreach (bool hasBytes in new[] { true, false })
        {
            Tokenizer tokenizer = new ToySentencePiece { Pieces = normal, HasBytes = hasBytes, AddsSpace = false }.Load();
            for (int i = 0; i < 300; i++)
            {
                string text = RandomText(random, ["a", "b", " ", "😀", "é", "好", "x"], 1 + random.Next(40));
                Assert.Equal(ByDefinition(text.Replace(' ', '▁'), pieces, hasBytes), tokenizer.Encode(text, addSpecial: false).Select(tokenizer.TokenText));
            }
        }
    }

    [Fact]
    public void A_space_is_put_before_text_by_default_and_taken_off_again()
    {
        Tokenizer tokenizer = new ToySentencePiece { Pieces = Letters("▁ab"), HasBytes = true }.Load();
        Assert.Equal(["<s>", "▁", "a", "▁", "▁", "b"], tokenizer.Encode("a  b").Select(tokenizer.TokenText));
        Assert.Equal("a  b", tokenizer.Decode(tokenizer.Encode("a  b")));
        Assert.Empty(tokenizer.Encode("", addSpecial: false));
    }

    [Fact]
    public void Extra_spaces_are_removed_where_the_model_says_so()
    {
        Tokenizer tokenizer = new ToySentencePiece { Pieces = Letters("▁ab"), HasBytes = true, RemovesExtraSpaces = true }.Load();
        Assert.Equal(["▁", "a", "▁", "b"], tokenizer.Encode("  a   b  ", addSpecial: false).Select(tokenizer.TokenText));
        Assert.Empty(tokenizer.Encode("   ", addSpecial: false));
    }

    [Fact]
    public void User_defined_pieces_are_never_merged_with_their_neighbours()
    {
        Tokenizer tokenizer = new ToySentencePiece
        {
            Pieces = [.. Letters("▁ab"), ("<x>", 0, PieceKind.UserDefined), ("<x>a", 5, PieceKind.Normal), ("ab", 1, PieceKind.Normal)],
            HasBytes = true,
        }.Load();
        Assert.Equal(["▁", "ab", "<x>", "ab"], tokenizer.Encode("ab<x>ab", addSpecial: false).Select(tokenizer.TokenText));
    }

    [Fact]
    public void Text_after_a_parsed_token_gets_a_space_only_in_the_legacy_manner()
    {
        var toy = new ToySentencePiece { Pieces = Letters("▁ab"), HasBytes = true };
        Tokenizer legacy = toy.Load();
        Tokenizer current = (toy with { Configuration = """{"legacy":false}""" }).Load();
        Assert.Equal(["▁", "a", "</s>", "▁", "b"], legacy.Encode("a</s>b", addSpecial: false, parseSpecial: true).Select(legacy.TokenText));
        Assert.Equal(["▁", "a", "</s>", "b"], current.Encode("a</s>b", addSpecial: false, parseSpecial: true).Select(current.TokenText));
    }

    [Fact]
    public void A_character_map_replaces_the_longest_known_string()
    {
        // A double array by hand for "A" → "a", "AB" → "b", "é" (C3 A9) → "": children of a node at offset o with label c lie at o ^ c.
        var units = new uint[512];
        units[0] = Offset(256);
        Put(256 ^ 'A', 'A', hasLeaf: true, at: 0x180 ^ (256 ^ 'A'));
        units[0x180] = 0x80000000 | 0;
        Put(0x180 ^ 'B', 'B', hasLeaf: true, at: 0x80 ^ (0x180 ^ 'B'));
        units[0x80] = 0x80000000 | 2;
        Put(256 ^ 0xC3, 0xC3, hasLeaf: false, at: 0x40 ^ (256 ^ 0xC3));
        Put(0x40 ^ 0xA9, 0xA9, hasLeaf: true, at: 0x20 ^ (0x40 ^ 0xA9));
        units[0x20] = 0x80000000 | 4;
        var map = new byte[4 + (4 * units.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(map, 4 * units.Length);
        for (int i = 0; i < units.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(4 + (4 * i)), units[i]);

        Tokenizer tokenizer = new ToySentencePiece { Pieces = Letters("▁abC"), HasBytes = true, AddsSpace = false, CharacterMap = [.. map, .. "a\0b\0\0"u8] }.Load();
        Assert.Equal(["a", "C", "b", "a", "a"], tokenizer.Encode("ACABAéA", addSpecial: false).Select(tokenizer.TokenText));

        void Put(int place, int label, bool hasLeaf, int at) => units[place] = Offset((uint)at) | (hasLeaf ? 1u << 8 : 0) | (uint)label;
        static uint Offset(uint offset) => offset << 10;
    }

    [Fact]
    public void Tokens_of_the_configuration_extend_the_vocabulary()
    {
        Tokenizer tokenizer = new ToySentencePiece
        {
            Pieces = Letters("▁a"),
            Configuration = """{"add_bos_token":false,"add_eos_token":true,"eos_token":"<end>","added_tokens_decoder":{"5":{"content":"<end>","special":true},"2":{"content":"<two>","special":true}}}""",
        }.Load();
        Assert.Equal((6, 1, 5), (tokenizer.VocabularySize, tokenizer.BosId, tokenizer.EosId));
        Assert.Equal(["▁", "a", "<end>"], tokenizer.Encode("a").Select(tokenizer.TokenText));
        Assert.True(tokenizer.IsSpecial(5));
        Assert.Equal(("<two>", 2, null), (tokenizer.TokenText(2), tokenizer.FindToken("<two>"), tokenizer.FindToken("</s>")));
    }

    private static (string, float, PieceKind)[] Letters(string letters) => [.. letters.Select((letter, i) => (letter.ToString(), -100f - i, PieceKind.Normal))];

    private static List<string> ByDefinition(string text, Dictionary<string, float> pieces, bool hasBytes)
    {
        List<string> symbols = [.. text.EnumerateRunes().Select(rune => rune.ToString())];
        while (true)
        {
            float best = float.NegativeInfinity;
            int place = -1;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if (!pieces.TryGetValue(symbols[i] + symbols[i + 1], out float score) || score <= best) continue;
                best = score;
                place = i;
            }

            if (place < 0) break;
            symbols[place] += symbols[place + 1];
            symbols.RemoveAt(place + 1);
        }

        var result = new List<string>();
        foreach (string symbol in symbols)
        {
            if (pieces.ContainsKey(symbol)) result.Add(symbol);
            else if (hasBytes) result.AddRange(Encoding.UTF8.GetBytes(symbol).Select(b => DecodingRules.TokenOfByte(b)));
            else if (result.Count == 0 || result[^1] != "<unk>") result.Add("<unk>");
        }

        return result;
    }

    private static string RandomText(Random random, string[] units, int length)
        => string.Concat(Enumerable.Range(0, length).Select(_ => units[random.Next(units.Length)]));
}
