using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Tests.Quantization;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>The method lab with masks and feature norms, as a process.</summary>
public sealed class LayerMaskTests
{
    [SharedFact]
    public void Layer_reproduces_the_authors_program_and_writes_all_masks()
    {
        using var folder = new TemporaryFolder();
        ReferenceCase entry = StbLlmReference.Find("c_tail_64x320/Q_5of8_hessian_gptq");
        JsonNode report = CommandLine.Run("layer", entry.FilePath, "--method", "stbllm", "--variant", "released", "--keep", "5:8", "--out", folder["Q.safetensors"], "--json").Json;
        Assert.Equal(entry.Number("weighted_error"), (double)report["weightedError"]!, 1e-4 * entry.Number("weighted_error"));
        Assert.Equal("5:8", (string)report["options"]!["keep"]!);
        Assert.Empty(report["fallbacks"]!.AsArray());

        using SafetensorsFile expected = SafetensorsFile.Open(entry.FilePath);
        using SafetensorsFile written = SafetensorsFile.Open(folder["Q.safetensors"]);
        Assert.Equal(["Q", "group", "keep", "salient"], written.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        Assert.Equal(StbLlmReference.Keep(expected, 1).Select(k => k ? (byte)1 : (byte)0), ReferenceCase.Mask(written, "keep"));
        byte[] groups = StbLlmReference.Groups(expected, entry.Entry.GetProperty("group").GetProperty("digit").GetInt32());
        Assert.Equal(groups, ReferenceCase.Mask(written, "group"));
        Assert.Equal(groups.Select(g => g == 3 ? (byte)1 : (byte)0), ReferenceCase.Mask(written, "salient"));
    }

    [Fact]
    public void A_layer_with_a_budget_says_what_was_chosen()
    {
        using var folder = new TemporaryFolder();
        ToyLayer layer = ToyLayer.Create(32, 64, seed: 1);
        string path = folder["layer.safetensors"];
        File.WriteAllBytes(path, Tensors(("W", [32, 64], layer.W.Data), ("H", [64, 64], layer.H.Data)));
        string[] arguments = ["layer", path, "--method", "stbllm", "--groups", "1", "--bits-budget", "3"];
        JsonNode report = CommandLine.Run([.. arguments, "--json"]).Json;
        Assert.Equal("1", (string)report["options"]!["groups"]!);
        string keep = (string)report["chosen"]!["keep"]!;
        Assert.Matches("^[2-8]:8$", keep);
        Assert.Contains($"keep={keep}", CommandLine.Run(arguments).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shape", "implies [8]")]
    [InlineData("NaN", "[3]")]
    [InlineData("negative", "not negative")]
    public void A_feature_norm_that_cannot_be_is_refused_with_its_place(string fault, string named)
    {
        using var folder = new TemporaryFolder();
        ToyLayer layer = ToyLayer.Create(4, 8, seed: 1);
        float[] norm = layer.Statistics.FeatureSquaredNorm;
        if (fault == "NaN") norm[3] = float.NaN;
        if (fault == "negative") norm[3] = -1;
        if (fault == "shape") norm = [.. norm, 1];
        string path = folder["layer.safetensors"];
        File.WriteAllBytes(path, Tensors(("W", [4, 8], layer.W.Data), ("H", [8, 8], layer.H.Data), ("feature_sq_norm", [norm.Length], norm)));
        string message = CommandLine.Run("layer", path, "--method", "stbllm").Failure(1);
        Assert.Contains("feature_sq_norm", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    private static byte[] Tensors(params (string Name, long[] Shape, float[] Values)[] tensors)
    {
        using var folder = new TemporaryFolder();
        using (var writer = new SafetensorsWriter(folder["t"], [.. tensors.Select(t => new TensorDeclaration(t.Name, ElementType.F32, t.Shape))]))
        {
            foreach ((_, _, float[] values) in tensors) writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
            writer.Complete();
        }

        return File.ReadAllBytes(folder["t"]);
    }
}
