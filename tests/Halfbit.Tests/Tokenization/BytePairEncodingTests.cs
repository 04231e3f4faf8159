using System.Text;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

/// <summary>The agenda against the definition: of all merges that apply, the one of the lowest rank, the leftmost among equals, one at a time.</summary>
public sealed class BytePairEncodingTests
{
    private const string NoSplit = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""";

    [Theory, InlineData("ab", 6), InlineData("ab", 30), InlineData("abcd", 60), InlineData("abcdefgh", 300)]
    public void Byte_level_encoding_equals_the_definition(string alphabet, int mergeCount)
    {
        var random = new Random(mergeCount);
        for (int repetition = 0; repetition < 8; repetition++)
        {
            var toy = new ToyTokenizer { Merges = ToyTokenizer.RandomMerges(random, alphabet, mergeCount), Pretokenizer = NoSplit, MergesAsArrays = repetition % 2 == 0 };
            Compare(toy, random, alphabet, lengths: [1, 2, 3, 7, 20, 33, 64, 150]);
        }
    }

    [Theory, InlineData("ab▁", 20), InlineData("aé▁好😀", 80)]
    public void Character_encoding_equals_the_definition(string alphabet, int mergeCount)
    {
        var random = new Random(mergeCount);
        for (int repetition = 0; repetition < 8; repetition++)
        {
            var toy = new ToyTokenizer { Characters = alphabet, Merges = ToyTokenizer.RandomMerges(random, alphabet, mergeCount), Pretokenizer = "null", Decoder = """{"type":"Fuse"}""" };
            Compare(toy, random, alphabet, lengths: [1, 2, 5, 33, 150]);
        }
    }

    [Fact]
    public void Long_lines_of_one_letter_are_merged_from_the_left()
    {
        Tokenizer tokenizer = new ToyTokenizer { Merges = [("a", "a"), ("aa", "aa")], Pretokenizer = NoSplit }.Load();
        int[] ids = tokenizer.Encode(new string('a', 1_000_003));
        Assert.Equal(250_000 + 2, ids.Length);
        Assert.All(ids[..250_000], id => Assert.Equal("aaaa", tokenizer.TokenText(id)));
        Assert.Equal(["aa", "a"], ids[250_000..].Select(tokenizer.TokenText));
    }

    [Fact]
    public void Ids_do_not_depend_on_what_was_encoded_before()
    {
        var random = new Random(3);
        var toy = new ToyTokenizer { Merges = ToyTokenizer.RandomMerges(random, "abcdefghijkl", 400) };
        Tokenizer used = toy.Load();
        for (int i = 0; i < 60_000; i++) _ = used.Encode(RandomText(random, "abcdefghijkl", 9));
        for (int i = 0; i < 50; i++)
        {
            string text = RandomText(random, "abcdefghijkl ", 200);
            Assert.Equal(toy.Load().Encode(text), used.Encode(text));
        }
    }

    [Fact]
    public void A_pair_that_the_merges_never_join_is_a_place_to_cut()
    {
        var joinable = new JoinablePairs();
        joinable.Add('a', 'b');
        joinable.Add('a', 0x2581);
        joinable.Add(0x10FFFF, 'a');
        Assert.True(joinable.Contains('a', 'b') && joinable.Contains('a', 0x2581) && joinable.Contains(0x10FFFF, 'a'));
        Assert.False(joinable.Contains('b', 'a') || joinable.Contains('a', 'a') || joinable.Contains(0x2581, 'a') || joinable.Contains('a', 0x10FFFF));
    }

    [Theory, InlineData(true, new[] { "a", "<unk>", "b", "<unk>" }), InlineData(false, new[] { "a", "<unk>", "<unk>", "b", "<unk>" })]
    public void Unknown_characters_are_one_token_each_or_fused(bool fuses, string[] expected)
    {
        Tokenizer tokenizer = new ToyTokenizer
        {
            Characters = "ab",
            ExtraTokens = ["<unk>"],
            Pretokenizer = "null",
            Decoder = """{"type":"Fuse"}""",
            ModelMembers = $"\"unk_token\":\"<unk>\",\"fuse_unk\":{(fuses ? "true" : "false")}",
        }.Load();
        Assert.Equal(expected, tokenizer.Encode("aéxb😀").Select(tokenizer.TokenText));
    }

    [Fact]
    public void A_dropped_character_lets_its_neighbours_merge()
    {
        Tokenizer tokenizer = new ToyTokenizer { Characters = "ab", Merges = [("a", "b")], Pretokenizer = "null", Decoder = """{"type":"Fuse"}""" }.Load();
        Assert.Equal(["ab"], tokenizer.Encode("axb").Select(tokenizer.TokenText));
    }

    [Fact]
    public void Characters_without_token_are_written_in_byte_tokens()
    {
        Tokenizer tokenizer = new ToyTokenizer
        {
            Characters = "ab",
            ExtraTokens = [.. Enumerable.Range(0, 256).Select(DecodingRules.TokenOfByte)],
            Pretokenizer = "null",
            Decoder = """{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"}]}""",
            ModelMembers = "\"byte_fallback\":true",
        }.Load();
        int[] ids = tokenizer.Encode("aéb");
        Assert.Equal(["a", "<0xC3>", "<0xA9>", "b"], ids.Select(tokenizer.TokenText));
        Assert.Equal("aéb", tokenizer.Decode(ids));
    }

    [Fact]
    public void With_ignore_merges_a_word_that_is_a_token_is_not_split()
    {
        // "abc" cannot be made by the merges: (b, c) comes first and leaves a alone.
        (string, string)[] merges = [("b", "c"), ("a", "b"), ("ab", "c")];
        Tokenizer merging = new ToyTokenizer { Merges = merges }.Load();
        Tokenizer ignoring = new ToyTokenizer { Merges = merges, ModelMembers = "\"ignore_merges\":true" }.Load();
        Assert.Equal(["a", "bc"], merging.Encode("abc").Select(merging.TokenText));
        Assert.Equal(["abc"], ignoring.Encode("abc").Select(ignoring.TokenText));
        Assert.Equal(["a", "bc", "bc"], ignoring.Encode("abcbc").Select(ignoring.TokenText));
    }

    private static void Compare(ToyTokenizer toy, Random random, string alphabet, int[] lengths)
    {
        Tokenizer tokenizer = toy.Load();
        foreach (int length in lengths)
        {
            for (int i = 0; i < 6; i++)
            {
                string text = RandomText(random, alphabet, length);
                Assert.Equal(ByDefinition(text, toy.Merges), tokenizer.Encode(text).Select(tokenizer.TokenText));
            }
        }
    }

    private static List<string> ByDefinition(string text, (string Left, string Right)[] merges)
    {
        List<string> symbols = [.. text.EnumerateRunes().Select(rune => rune.ToString())];
        while (true)
        {
            int best = int.MaxValue;
            int place = -1;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int rank = Array.IndexOf(merges, (symbols[i], symbols[i + 1]));
                if (rank < 0 || rank >= best) continue;
                best = rank;
                place = i;
            }

            if (place < 0) return symbols;
            symbols[place] += symbols[place + 1];
            symbols.RemoveAt(place + 1);
        }
    }

    private static string RandomText(Random random, string alphabet, int length)
    {
        Rune[] runes = [.. alphabet.EnumerateRunes()];
        return string.Concat(Enumerable.Range(0, length).Select(_ => runes[random.Next(runes.Length)].ToString()));
    }
}
