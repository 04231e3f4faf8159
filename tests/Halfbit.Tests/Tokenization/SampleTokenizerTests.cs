using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

/// <summary>The bundled sample model; expected ids are those of reference.json for llama-13m.</summary>
public sealed class SampleTokenizerTests
{
    [SampleFact]
    public void The_sample_encodes_text_as_its_reference_says()
    {
        Tokenizer tokenizer = Tokenizer.Load(SampleFactAttribute.Folder!);
        Assert.Equal((4096, 1, 2), (tokenizer.VocabularySize, tokenizer.BosId, tokenizer.EosId));
        Assert.Equal([1, 365, 717, 454, 883, 357, 347, 343, 261, 914, 4021, 283, 619], tokenizer.Encode("The old man looked at her for a moment, and then"));
        Assert.Equal([4002, 4002, 661, 1746, 284, 569, 630, 288], tokenizer.Encode("  two leading spaces", addSpecial: false));
        Assert.Equal([4002, 243, 162, 155, 131], tokenizer.Encode("😀", addSpecial: false));
        Assert.Equal([4002, 63, 4010, 65, 296, 2090, 326, 4002, 63, 4090, 4010, 65, 700, 529, 1269, 4002, 63, 2911, 65], tokenizer.Encode("<s> literal </s> specials <unk>", addSpecial: false));
    }

    [SampleFact]
    public void Special_tokens_of_the_sample_are_parsed_on_request()
    {
        Tokenizer tokenizer = Tokenizer.Load(SampleFactAttribute.Folder!);
        int[] ids = tokenizer.Encode("<s>Hello</s>", addSpecial: false, parseSpecial: true);
        Assert.Equal([1, .. tokenizer.Encode("Hello", addSpecial: false), 2], ids);
        Assert.Equal("Hello", tokenizer.Decode(ids));
        Assert.Equal("<s> Hello</s>", tokenizer.Decode(ids, skipSpecial: false));
    }

    /// <summary>Skipped where neither the sample nor the shared models are there.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SampleFactAttribute : FactAttribute
    {
        public SampleFactAttribute()
        {
            if (Folder is null) Skip = "the sample model is absent: samples/llama-13m has no tokenizer.json";
        }

        public static string? Folder { get; } = Candidates().FirstOrDefault(folder => File.Exists(Path.Combine(folder, "tokenizer.json")));

        private static IEnumerable<string> Candidates()
        {
            yield return TestData.Sample;
            if (TestData.Shared is not null) yield return TestData.SharedPath("models", "llama-13m");
        }
    }
}
