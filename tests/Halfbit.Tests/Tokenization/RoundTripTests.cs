using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

public sealed class RoundTripTests
{
    [Fact]
    public void Byte_level_text_decodes_to_itself()
    {
        var random = new Random(11);
        Tokenizer tokenizer = new ToyTokenizer { Merges = ToyTokenizer.RandomMerges(random, "abstĠ<>1Ċč", 200) }.Load();
        CheckRoundTrip(tokenizer, random, texts: 2000);
    }

    [Fact]
    public void SentencePiece_text_decodes_to_itself()
    {
        var random = new Random(12);
        (string, float, PieceKind)[] pieces = [.. new[] { "▁", "a", "b", "▁a", "▁▁", "ab", "é", "s", "<", "<s>x", "😀", "▁▁▁" }.Select((text, i) => (text, (float)-i, PieceKind.Normal))];
        CheckRoundTrip(new ToySentencePiece { Pieces = pieces, HasBytes = true }.Load(), random, texts: 2000);
    }

    [SharedTheory, InlineData("llama-13m"), InlineData("opt-6m")]
    public void Text_of_the_reference_models_decodes_to_itself(string model)
        => CheckRoundTrip(Tokenizer.Load(TestData.SharedPath("models", model)), new Random(13), texts: 2000);

    [Fact]
    public void Lone_surrogates_count_as_the_replacement_character()
    {
        Tokenizer tokenizer = new ToyTokenizer().Load();
        foreach (string text in new[] { "\uD83D", "a\uD83Db", "\uDE00\uD83D", "x\uD83D\uD83D\uDE00" })
        {
            string replaced = new([.. text.EnumerateRunes().SelectMany(rune => rune.ToString())]);
            Assert.Equal(tokenizer.Encode(replaced), tokenizer.Encode(text));
            Assert.Equal(replaced, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [Fact]
    public void A_stream_returns_what_decoding_at_once_returns()
    {
        Tokenizer byteLevel = new ToyTokenizer().Load();
        Tokenizer sentencePiece = new ToySentencePiece { Pieces = [("▁", 0, PieceKind.Normal), ("a", 0, PieceKind.Normal), ("▁a", 1, PieceKind.Normal)], HasBytes = true }.Load();
        var random = new Random(14);
        foreach (Tokenizer tokenizer in new[] { byteLevel, sentencePiece })
        {
            for (int i = 0; i < 2000; i++)
            {
                // Also ids that no text has: bytes in any order, special tokens in between.
                int[] ids = i % 2 == 0
                    ? tokenizer.Encode(ToyText.Random(random, 1 + random.Next(12)))
                    : [.. Enumerable.Range(0, 1 + random.Next(12)).Select(_ => random.Next(tokenizer.VocabularySize))];
                bool skipsSpecial = random.Next(2) == 0;
                var stream = new TokenStreamDecoder(tokenizer, skipsSpecial);
                string text = string.Concat(ids.Select(stream.Append)) + stream.Finish();
                Assert.Equal(tokenizer.Decode(ids, skipsSpecial), text);
            }
        }
    }

    [Fact]
    public void A_stream_shows_a_character_with_the_token_that_completes_it()
    {
        Tokenizer tokenizer = new ToyTokenizer().Load();
        int[] ids = tokenizer.Encode("a😀b");
        var stream = new TokenStreamDecoder(tokenizer);
        Assert.Equal(["a", "", "", "", "😀", "b"], ids.Select(stream.Append));
        Assert.Equal("", stream.Append(ids[1]));
        Assert.Equal("\uFFFD", stream.Finish());
    }

    [Fact]
    public void A_continuation_keeps_its_leading_space()
    {
        Tokenizer tokenizer = new ToySentencePiece { Pieces = [("▁a", 0, PieceKind.Normal), ("▁", -1, PieceKind.Normal), ("a", -1, PieceKind.Normal)], HasBytes = true }.Load();
        int[] ids = tokenizer.Encode("a", addSpecial: false);
        Assert.Equal("a", new TokenStreamDecoder(tokenizer).Append(ids[0]));
        Assert.Equal(" a", new TokenStreamDecoder(tokenizer, isContinuation: true).Append(ids[0]));
    }

    [Fact]
    public void Many_threads_get_the_ids_of_one()
    {
        var random = new Random(15);
        Tokenizer tokenizer = new ToyTokenizer { Merges = ToyTokenizer.RandomMerges(random, "abstĠ", 100) }.Load();
        string[] texts = [.. Enumerable.Range(0, 200).Select(_ => ToyText.Random(random, 50))];
        int[][] expected = [.. texts.Select(text => tokenizer.Encode(text))];
        var actual = new int[texts.Length][];
        Parallel.For(0, texts.Length, i => actual[i] = tokenizer.Encode(texts[i]));
        Assert.Equal(expected, actual);
    }

    private static void CheckRoundTrip(Tokenizer tokenizer, Random random, int texts)
    {
        for (int i = 0; i < texts; i++)
        {
            // A literal ▁ is a space to SentencePiece, so it alone does not come back.
            string text = ToyText.Random(random, 1 + random.Next(40)).Replace('▁', '_');
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }
}
