using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Models;

/// <summary>The forward pass against logits that other programs computed.</summary>
public sealed class ProbeTests
{
    /// <summary>Measured differences are below 5e-6; the bound is what checks of this project allow.</summary>
    private const double Tolerance = 2e-5;

    [Theory]
    [InlineData("probe-llama2-gqa")]
    [InlineData("probe-llama3")]
    [InlineData("probe-mistral")]
    [InlineData("probe-qwen2")]
    [InlineData("probe-opt")]
    [InlineData("probe-opt350")]
    public void Logits_of_each_architecture_equal_the_reference(string probe) => Check(TestData.AnyPath("models", "probes", probe));

    [SharedFact]
    public void Logits_of_llama_1_equal_the_reference() => Check(TestData.SharedPath("models", "probes", "probe-llama1"));

    [SharedTheory]
    [InlineData("llama-13m")]
    [InlineData("opt-6m")]
    public void Logits_of_the_trained_models_equal_the_reference(string model)
    {
        string folder = TestData.SharedPath("models", model);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        ModelReference reference = ModelReference.Of(document.RootElement.GetProperty("logits_probe"));
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        reference.AssertEqual(Decoder.Open(checkpoint).Logits(reference.Ids), Tolerance);
    }

    private static void Check(string folder)
    {
        ModelReference reference = ModelReference.OfProbe(Path.Combine(folder, "reference.json"));
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        reference.AssertEqual(Decoder.Open(checkpoint).Logits(reference.Ids), Tolerance);
    }
}
