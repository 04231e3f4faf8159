using Halfbit.Evaluation;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.House;

/// <summary>The example of src/Halfbit/README.md, as it is printed there.</summary>
public sealed class TourExample
{
    [Fact]
    public void Compresses_the_sample_and_measures_it()
    {
        using var folder = new TemporaryFolder();
        (string modelFolder, string outputFolder) = (TestData.Sample, folder["out"]);
        string text = string.Concat(Enumerable.Repeat("The old man looked at her for a moment, and then he said nothing at all. ", 12));

        // <example>
        QuantizationReport report = QuantizationJob.Run(new QuantizationJobOptions
        {
            ModelFolder = modelFolder,
            OutputFolder = outputFolder,
            Method = MethodCatalog.Create("pb-llm", new Dictionary<string, string> { ["salient"] = "0.1" }),
            Samples = 8,
            SequenceLength = 64,
        });

        using ModelFolder packed = ModelFolder.Open(outputFolder);
        int[] tokens = Tokenizer.Load(outputFolder).Encode(text);
        PerplexityResult result = Perplexity.Measure(packed.Decoder, tokens, new PerplexityOptions { Window = 64 });
        // </example>

        Assert.InRange(report.TrueBits, 1.7, 2.5);
        Assert.Equal(report.TrueBits, packed.TrueBits, 9);
        Assert.InRange(result.Value, 1, 2000);
    }
}
