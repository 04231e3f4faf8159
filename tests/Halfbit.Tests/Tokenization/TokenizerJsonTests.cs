using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

public sealed class TokenizerJsonTests
{
    private const string LlamaDecoder = """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""";

    [Theory]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "ab", "▁ab")]
    [InlineData("""{"type":"Replace","pattern":{"String":" "},"content":"▁"}""", " a b ", "▁a▁b▁")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}""", "a   b c", "a b c")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}""", "a b", "▁a▁b")]
    [InlineData("""{"type":"NFC"}""", "e\u0301", "é")]
    [InlineData("""{"type":"NFD"}""", "é", "e\u0301")]
    [InlineData("""{"type":"NFKC"}""", "ﬁ①", "fi1")]
    [InlineData("""{"type":"NFKD"}""", "ﬁé", "fie\u0301")]
    [InlineData("""{"type":"Lowercase"}""", "AÉİΣ𐐀", "aéi\u0307σ𐐨")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":true}""", " \u3000a b\n", "a b")]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a ", " a")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]}""", "Éa\u0323", "Ea")]
    public void Normalizers_rewrite_text(string normalizer, string text, string expected)
    {
        Tokenizer tokenizer = new ToyTokenizer { Normalizer = normalizer }.Load();
        Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Theory]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Isolated","invert":false}""", "a--b-", "a|-|-|b|-")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":false}""", "a--b-", "a|b")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious","invert":false}""", "a--b-", "a-|-|b-")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext","invert":false}""", "a--b-", "a|-|-b|-")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Contiguous","invert":false}""", "a--b-", "a|--|b|-")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[ab]+"},"behavior":"Removed","invert":true}""", "a--b-", "a|b")]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "a12½b", "a|1|2|½|b")]
    [InlineData("""{"type":"Digits","individual_digits":false}""", "a12½b", "a|12½|b")]
    [InlineData("""{"type":"Punctuation","behavior":"Isolated"}""", "a+b、c", "a|+|b|、|c")]
    [InlineData("""{"type":"Whitespace"}""", " a_1 b!? c", "a_1|b|!?|c")]
    [InlineData("""{"type":"WhitespaceSplit"}""", "\u00A0a! \n b", "a!|b")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits","individual_digits":false}]}""", "a1 23b", "a|1|23|b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", "a b  c", "▁a|▁b|▁|▁c")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":true}""", "a b", "a|▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":true}""", " a b", "▁a|▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""", "a b", "▁a▁b")]
    public void Pretokenizers_cut_text(string pretokenizer, string text, string expected)
        => Assert.Equal(expected.Split('|'), Cut(pretokenizer, text));

    [Fact]
    public void ByteLevel_with_prefix_space_puts_one_before_text_that_has_none()
    {
        Tokenizer tokenizer = new ToyTokenizer { Merges = [("Ġ", "a")], Pretokenizer = """{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}""" }.Load();
        Assert.Equal(["Ġa", "Ġa"], tokenizer.Encode("a a").Select(tokenizer.TokenText));
        Assert.Equal(["Ġa", "Ġa"], tokenizer.Encode(" a a").Select(tokenizer.TokenText));
    }

    [Fact]
    public void The_split_of_LLaMA_3_keeps_three_digits_together()
    {
        const string pretokenizer = """
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
            "behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
            """;
        Tokenizer tokenizer = new ToyTokenizer { Merges = [("1", "1"), ("11", "11"), ("11", "1")], Pretokenizer = pretokenizer }.Load();
        Assert.Equal(["111", "111", "11"], tokenizer.Encode("11111111").Select(tokenizer.TokenText));
    }

    [Fact]
    public void Special_tokens_are_plain_text_unless_parsed()
    {
        Tokenizer tokenizer = WithAddedTokens();
        Assert.Equal(["a", "<", "e", ">", "b"], tokenizer.Encode("a<e>b").Select(tokenizer.TokenText));
        Assert.Equal(["a", "<e>", "b"], tokenizer.Encode("a<e>b", parseSpecial: true).Select(tokenizer.TokenText));
    }

    [Fact]
    public void Other_added_tokens_are_found_in_plain_text_with_the_space_that_is_theirs()
    {
        Tokenizer tokenizer = WithAddedTokens();
        Assert.Equal(["a", "<code>", "b"], tokenizer.Encode("a<code>b").Select(tokenizer.TokenText));
        Assert.Equal(["a", "<both>", "b"], tokenizer.Encode("a  <both> \n b").Select(tokenizer.TokenText));
        Assert.Equal(["<long>er", "<long>"], tokenizer.Encode("<long>er<long>").Select(tokenizer.TokenText));
        Assert.Equal(["w", "o", "r", "d", "s", "Ġ", "word"], tokenizer.Encode("words word").Select(tokenizer.TokenText));
    }

    [Fact]
    public void Added_tokens_are_decoded_as_they_are_and_special_ones_left_out()
    {
        Tokenizer tokenizer = WithAddedTokens();
        int[] ids = tokenizer.Encode("a<e><é>", parseSpecial: true);
        Assert.Equal(3, ids.Length);
        Assert.Equal("a<é>", tokenizer.Decode(ids));
        Assert.Equal("a<e><é>", tokenizer.Decode(ids, skipSpecial: false));
    }

    [Theory]
    [InlineData("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<b>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"<e>","type_id":0}}],"pair":[],"special_tokens":{"<b>":{"id":"<b>","ids":[256],"tokens":["<b>"]},"<e>":{"id":"<e>","ids":[257],"tokens":["<e>"]}}}""", new[] { 256 }, new[] { 257 })]
    [InlineData("""{"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true},{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<b>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<b>":{"id":"<b>","ids":[256],"tokens":["<b>"]}}}]}""", new[] { 256 }, new int[0])]
    [InlineData("""{"type":"RobertaProcessing","sep":["<e>",257],"cls":["<b>",256],"trim_offsets":true,"add_prefix_space":false}""", new[] { 256 }, new[] { 257 })]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true}""", new int[0], new int[0])]
    public void Post_processors_put_ids_around_the_text(string postProcessor, int[] before, int[] after)
    {
        Tokenizer tokenizer = new ToyTokenizer { ExtraTokens = ["<b>", "<e>"], PostProcessor = postProcessor }.Load();
        int[] plain = tokenizer.Encode("xy", addSpecial: false);
        Assert.Equal(2, plain.Length);
        Assert.Equal([.. before, .. plain, .. after], tokenizer.Encode("xy"));
    }

    [Fact]
    public void Flags_of_a_LLaMA_class_win_over_the_post_processor()
    {
        var toy = new ToyTokenizer { ExtraTokens = ["<b>", "<e>"], Configuration = """{"tokenizer_class":"LlamaTokenizerFast","bos_token":"<b>","eos_token":{"content":"<e>"},"add_bos_token":true,"add_eos_token":true}""" };
        Tokenizer tokenizer = toy.Load();
        Assert.Equal((256, 257), (tokenizer.BosId, tokenizer.EosId));
        Assert.Equal([256, .. tokenizer.Encode("x", addSpecial: false), 257], tokenizer.Encode("x"));
    }

    [Theory]
    [InlineData("null", new[] { "a", "▁b", "▁" }, "a ▁b ▁")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", new[] { "▁", "▁b", "▁" }, " b ")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}""", new[] { "▁b", "▁b" }, " b b")]
    [InlineData(LlamaDecoder, new[] { "▁", "▁b", "<0xC3>", "<0xA9>", "<0x20>" }, " bé ")]
    public void Decoders_turn_tokens_into_text(string decoder, string[] tokens, string expected)
    {
        Tokenizer tokenizer = new ToyTokenizer { Characters = "ab▁", ExtraTokens = ["▁b", "<0xC3>", "<0xA9>", "<0x20>"], Pretokenizer = "null", Decoder = decoder }.Load();
        Assert.Equal(expected, tokenizer.Decode([.. tokens.Select(token => tokenizer.FindToken(token)!.Value)]));
    }

    private static Tokenizer WithAddedTokens()
    {
        string[] tokens =
        [
            Token(256, "<e>", "\"special\":true,\"normalized\":false"),
            Token(257, "<code>", "\"special\":false,\"normalized\":false"),
            Token(258, "<both>", "\"lstrip\":true,\"rstrip\":true"),
            Token(259, "<long>", ""),
            Token(260, "<long>er", ""),
            Token(261, "word", "\"single_word\":true"),
            Token(262, "<é>", ""),
        ];
        return new ToyTokenizer { AddedTokens = "[" + string.Join(",", tokens) + "]" }.Load();

        static string Token(int id, string content, string members) => $"{{\"id\":{id},\"content\":\"{content}\"{(members.Length > 0 ? "," : "")}{members}}}";
    }

    /// <summary>The pieces that a pre-tokenizer makes of a text.</summary>
    private static string[] Cut(string pretokenizer, string text)
    {
        Pretokenizer cutter = ReadPretokenizer(pretokenizer);
        Pieces pieces = cutter.Apply(Pieces.Whole(Utf8.Of(text), startsText: true));
        return [.. Enumerable.Range(0, pieces.Count).Select(i => System.Text.Encoding.UTF8.GetString(pieces.Piece(i)))];
    }

    private static Pretokenizer ReadPretokenizer(string json)
    {
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(json);
        return PretokenizerJson.Read(new JsonField("toy", "", "pre_tokenizer", -1, document.RootElement.Clone()), out _)!;
    }
}
