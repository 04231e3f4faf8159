using System.Text;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

public sealed class BadFilesTests
{
    private static readonly string good = new ToyTokenizer { Merges = [("a", "b")], ExtraTokens = ["<b>"] }.Json();

    [Fact]
    public void A_folder_without_tokenizer_names_what_was_looked_for()
    {
        using var folder = new TemporaryFolder();
        string message = Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path)).Message;
        Assert.Contains(folder.Path, message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json, tokenizer.model, and vocab.json with merges.txt", message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder["absent"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_half_of_a_pair_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.json"], "{\"a\":0}");
        Assert.Contains("merges.txt: the file is missing", Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "", "not valid JSON")]
    [InlineData("[]", "", "the file holds an array")]
    [InlineData("\"model\":", "\"modell\":", "field 'model' is missing")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "field 'model.type' is \"Unigram\"")]
    [InlineData("\"vocab\":", "\"vocabulary\":", "field 'model.vocab' is missing")]
    [InlineData("\"!\":33", "\"!\":34", "is given to both")]
    [InlineData("\"!\":33", "\"!\":-1", "has id -1")]
    [InlineData("\"!\":33", "\"!\":16777216", "has id 16777216")]
    [InlineData("\"!\":33", "\"!\":\"x\"", "field 'model.vocab.!' is \"x\", expected a whole number")]
    [InlineData("\"a b\"", "\"a zz\"", "field 'model.merges[0]' is a merge that needs the token 'zz'")]
    [InlineData("\"a b\"", "\"b a\"", "needs the token 'ba'")]
    [InlineData("\"a b\"", "\"a b c\"", "a merge of 3 parts")]
    [InlineData("\"a b\"", "[\"a\"]", "a merge of 1 parts")]
    [InlineData("\"a b\"", "7", "field 'model.merges[0]' is 7, expected a string")]
    [InlineData("\"normalizer\":null", "\"normalizer\":{\"type\":\"Precompiled\"}", "field 'normalizer.type' is \"Precompiled\"")]
    [InlineData("\"normalizer\":null", "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\p{Han}\"},\"content\":\"\"}", "field 'normalizer.pattern.Regex'")]
    [InlineData("\"type\":\"ByteLevel\",\"add_prefix_space\"", "\"type\":\"UnicodeScripts\",\"add_prefix_space\"", "field 'pre_tokenizer.type' is \"UnicodeScripts\"")]
    [InlineData("\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"WordPiece\"}", "field 'decoder.type' is \"WordPiece\"")]
    [InlineData("\"post_processor\":null", "\"post_processor\":{\"type\":\"Other\"}", "field 'post_processor.type' is \"Other\"")]
    [InlineData("\"added_tokens\":[]", "\"added_tokens\":[{\"id\":0,\"content\":\"<s>\"}]", "token id 0 is given to both")]
    [InlineData("\"added_tokens\":[]", "\"added_tokens\":[{\"content\":\"<s>\"}]", "field 'added_tokens[0].id' is missing")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"BPE\",\"unk_token\":\"<?>\"", "field 'model.unk_token' is '<?>'")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\"", "field 'model.end_of_word_suffix'")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"BPE\",\"dropout\":0.1", "field 'model.dropout' is 0.1")]
    public void Faults_of_tokenizer_json_are_named_in_one_line(string old, string replacement, string expected)
    {
        Assert.Contains(old.Length > 2 ? old : "{", good, StringComparison.Ordinal);
        string json = replacement.Length == 0 ? old : good.Replace(old, replacement, StringComparison.Ordinal);
        string message = Assert.Throws<TokenizerException>(() => ToyTokenizer.Load(json)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_truncated_or_damaged_tokenizer_json_escapes_as_another_error()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(good);
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            byte[] damaged = i % 2 == 0 ? bytes[..random.Next(bytes.Length)] : [.. bytes];
            if (i % 2 == 1) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            LoadOrFault(folder => File.WriteAllBytes(folder["tokenizer.json"], damaged));
        }
    }

    [Fact]
    public void No_truncated_or_damaged_tokenizer_model_escapes_as_another_error()
    {
        byte[] bytes = new ToySentencePiece { Pieces = [("▁", 0, PieceKind.Normal), ("a", 1, PieceKind.Normal), ("▁a", 2, PieceKind.Normal)], CharacterMap = [4, 0, 0, 0, 0, 4, 0, 0, 97, 0] }.Bytes();
        int faults = 0;
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] damaged = bytes[..length];
            faults += LoadOrFault(folder => File.WriteAllBytes(folder["tokenizer.model"], damaged));
        }

        var random = new Random(2);
        for (int i = 0; i < 300; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            faults += LoadOrFault(folder => File.WriteAllBytes(folder["tokenizer.model"], damaged));
        }

        Assert.True(faults > bytes.Length / 2, "most cuts are inside a field");
    }

    [Theory]
    [InlineData(1, "trainer_spec.model_type' is 1 (Unigram)")]
    [InlineData(3, "trainer_spec.model_type' is 3")]
    public void Other_SentencePiece_models_are_refused(int modelType, string expected)
        => Assert.Contains(expected, Assert.Throws<TokenizerException>(() => new ToySentencePiece { ModelType = modelType }.Load()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a b c\n", "line 1")]
    [InlineData("#version: 0.2\na b\nab\n", "line 3")]
    [InlineData("a x\n", "'x'")]
    public void Faults_of_merges_txt_are_named(string merges, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.json"], "{\"a\":0,\"b\":1,\"ab\":2}");
        File.WriteAllText(folder["merges.txt"], merges);
        string message = Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder.Path)).Message;
        Assert.Contains("merges.txt", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_refused()
    {
        Tokenizer tokenizer = new ToyTokenizer().Load();
        foreach (int id in new[] { -1, 256, int.MaxValue, int.MinValue })
        {
            Assert.Contains("outside the vocabulary, expected 0 to 255", Assert.Throws<TokenizerException>(() => tokenizer.Decode([id])).Message, StringComparison.Ordinal);
            Assert.Throws<TokenizerException>(() => tokenizer.Decode([id], skipSpecial: false));
            Assert.Throws<TokenizerException>(() => tokenizer.TokenText(id));
            Assert.Throws<TokenizerException>(() => tokenizer.IsSpecial(id));
            Assert.Throws<TokenizerException>(() => new TokenStreamDecoder(tokenizer).Append(id));
        }

        Assert.ThrowsAny<ArgumentException>(() => Tokenizer.Load(" "));
        Assert.Throws<ArgumentNullException>(() => tokenizer.FindToken(null!));
    }

    /// <summary>Loads, encodes and decodes; 1 for a <see cref="TokenizerException"/>, 0 for success, any other exception fails the test.</summary>
    private static int LoadOrFault(Action<TemporaryFolder> write)
    {
        using var folder = new TemporaryFolder();
        write(folder);
        try
        {
            Tokenizer tokenizer = Tokenizer.Load(folder.Path);
            _ = tokenizer.Decode(tokenizer.Encode("ab a é"));
            return 0;
        }
        catch (TokenizerException)
        {
            return 1;
        }
    }
}
