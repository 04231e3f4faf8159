using Halfbit.Generation;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

[Collection("thread count")]
public sealed class DeterminismTests
{
    [Theory]
    [InlineData("pb-llm")]
    [InlineData("gptq")]
    [InlineData("xnor")]
    [InlineData("stbllm")]
    public void Any_number_of_threads_writes_the_same_bytes(string method)
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var count = new ThreadCount(threads);
            _ = QuantizationJob.Run(ToyJob.Options(model, folder[$"out{threads}"], method));
        }

        FolderBytes.AssertEqual(folder["out1"], folder["out2"]);
        FolderBytes.AssertEqual(folder["out1"], folder["out3"]);
    }

    [Fact]
    public void The_sample_model_gets_the_same_bytes_from_one_and_two_threads()
    {
        using var folder = new TemporaryFolder();
        foreach (int threads in (int[])[1, 2])
        {
            using var count = new ThreadCount(threads);
            _ = QuantizationJob.Run(ToyJob.Options(TestData.Sample, folder[$"out{threads}"]) with { Samples = 2, SequenceLength = 40 });
        }

        FolderBytes.AssertEqual(folder["out1"], folder["out2"]);
    }

    [Fact]
    public void Self_generated_calibration_depends_on_the_seed_alone()
    {
        using var folder = new TemporaryFolder();
        using ModelFolder model = ModelFolder.Open(ToyCheckpoint.Llama().Write(folder["model"]));
        int[][] expected = SelfGeneration.Sample(model.Decoder, new SelfGenerationOptions { Count = 5, Length = 20 });
        int[][] inSmallBatches = SelfGeneration.Sample(model.Decoder, new SelfGenerationOptions { Count = 5, Length = 20, MaxBatch = 2 });
        int[][] otherSeed = SelfGeneration.Sample(model.Decoder, new SelfGenerationOptions { Count = 5, Length = 20, Seed = 1 });
        Assert.Equal(expected, inSmallBatches);
        Assert.NotEqual(expected, otherSeed);
        Assert.Equal(5, expected.Select(s => string.Join(',', s)).Distinct().Count());
    }

    [Fact]
    public void The_seed_decides_the_windows_of_a_text()
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        File.WriteAllText(folder["text"], ToyCheckpoint.Text(2000));
        foreach ((string name, int seed) in ((string, int)[])[("a", 0), ("b", 0), ("c", 1)])
            _ = QuantizationJob.Run(ToyJob.Options(model, folder[name]) with { CalibrationFile = folder["text"], Seed = seed });
        FolderBytes.AssertEqual(folder["a"], folder["b"]);
        Assert.NotEqual(File.ReadAllBytes(folder["a", "model-00002-of-00003.safetensors"]), File.ReadAllBytes(folder["c", "model-00002-of-00003.safetensors"]));
    }
}
