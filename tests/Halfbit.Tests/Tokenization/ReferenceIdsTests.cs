using System.Text.Json;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

/// <summary>Ids of the two reference models, from every file form alone. Expected values: reference.json (sentencepiece 0.1.97 for llama-13m).</summary>
public sealed class ReferenceIdsTests
{
    public static TheoryData<string, string[]> Forms => new()
    {
        { "llama-13m", ["tokenizer.json"] },
        { "llama-13m", ["tokenizer.model"] },
        { "opt-6m", ["tokenizer.json"] },
        { "opt-6m", ["vocab.json", "merges.txt"] },
    };

    [SharedTheory, MemberData(nameof(Forms))]
    public void Ids_of_the_listed_strings_equal_the_reference(string model, string[] files)
    {
        Tokenizer tokenizer = LoadForm(model, files);
        int compared = 0;
        foreach (JsonElement entry in Reference(model).GetProperty("tokenization").EnumerateArray())
        {
            string text = entry.GetProperty("text").GetString()!;
            int[] expected = Ids(entry.GetProperty("ids"));
            Assert.Equal(expected, tokenizer.Encode(text, addSpecial: false));
            compared++;
        }

        Assert.Equal(42, compared);
    }

    [SharedTheory, MemberData(nameof(Forms))]
    public void Prompts_get_the_reference_ids_with_bos_and_continuations_the_reference_text(string model, string[] files)
    {
        Tokenizer tokenizer = LoadForm(model, files);
        foreach (JsonElement entry in Reference(model).GetProperty("greedy").EnumerateArray())
        {
            Assert.Equal(Ids(entry.GetProperty("prompt_ids")), tokenizer.Encode(entry.GetProperty("prompt").GetString()!));
            var stream = new TokenStreamDecoder(tokenizer, isContinuation: true);
            string text = string.Concat(Ids(entry.GetProperty("new_ids")).Select(stream.Append)) + stream.Finish();
            Assert.Equal(entry.GetProperty("new_text").GetString(), text);
        }
    }

    [SharedTheory, MemberData(nameof(Forms))]
    public void Whole_texts_have_the_reference_token_counts_and_decode_to_themselves(string model, string[] files)
    {
        Tokenizer tokenizer = LoadForm(model, files);
        JsonElement reference = Reference(model);
        Assert.Equal(reference.GetProperty("bos_id").GetInt32(), tokenizer.BosId);
        foreach (string name in new[] { "books.test", "wikitext-2.test" })
        {
            string text = File.ReadAllText(TestData.SharedPath("text", name + ".txt"));
            int[] ids = tokenizer.Encode(text);
            Assert.Equal(reference.GetProperty("perplexity").GetProperty(name).GetProperty("tokens_in_file_incl_bos").GetInt32(), ids.Length);
            Assert.Equal(tokenizer.BosId, ids[0]);
            Assert.Equal(text, tokenizer.Decode(ids));
        }
    }

    [SharedTheory, InlineData("llama-13m", "tokenizer.model", null), InlineData("opt-6m", "vocab.json", "merges.txt")]
    public void Other_file_forms_give_the_ids_of_tokenizer_json_on_all_texts(string model, string first, string? second)
    {
        Tokenizer json = LoadForm(model, ["tokenizer.json"]);
        Tokenizer other = LoadForm(model, second is null ? [first] : [first, second]);
        Assert.Equal(json.VocabularySize, other.VocabularySize);
        Assert.Equal(json.EosId, other.EosId);
        foreach (string name in new[] { "books.test.txt", "wikitext-2.test.txt", "calibration.txt" })
        {
            string text = File.ReadAllText(TestData.SharedPath("text", name));
            Assert.Equal(json.Encode(text), other.Encode(text));
        }
    }

    /// <summary>The tokenizer of a folder that holds only the named vocabulary files, and the settings beside them.</summary>
    private static Tokenizer LoadForm(string model, string[] files)
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])[.. files, "tokenizer_config.json", "special_tokens_map.json"])
            File.Copy(TestData.SharedPath("models", model, name), folder[name]);
        return Tokenizer.Load(folder.Path);
    }

    private static JsonElement Reference(string model)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedPath("models", model, "reference.json")));
        return document.RootElement.Clone();
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];
}
