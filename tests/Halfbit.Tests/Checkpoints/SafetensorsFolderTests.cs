using Halfbit.Checkpoints;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Checkpoints;

/// <summary>Checkpoint folders: one file, shards with an index, and what is refused.</summary>
public sealed class SafetensorsFolderTests
{
    [Fact]
    public void Shards_are_found_through_their_index()
    {
        using TemporaryFolder folder = Sharded();
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(["s1.safetensors", "s2.safetensors"], checkpoint.Files.Select(f => Path.GetFileName(f.Path)));
        Assert.Equal(["a", "b"], checkpoint.Tensors.Select(t => t.Name));
        Assert.Equal([2L], checkpoint.Find("b", 2).Shape);
        Assert.Contains("config.json implies [3]", Assert.Throws<CheckpointException>(() => checkpoint.Find("b", 3)).Message, StringComparison.Ordinal);
        Assert.Contains("'c' is missing", Assert.Throws<CheckpointException>(() => checkpoint.Find("c", 3)).Message, StringComparison.Ordinal);
        Assert.Null(checkpoint.TryFind("c"));
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"s1.safetensors","b":"s3.safetensors"}}""", "not in the folder")]
    [InlineData("""{"weight_map":{"a":"s1.safetensors","b":"s1.safetensors"}}""", "does not hold it")]
    [InlineData("""{"weight_map":{"a":"s1.safetensors","b":"s2.safetensors","c":"s2.safetensors"}}""", "does not hold it")]
    [InlineData("""{"weight_map":{"a":"s2.safetensors","b":"s1.safetensors"}}""", "does not hold it")]
    [InlineData("""{"weight_map":{"a":"../s1.safetensors"}}""", "without folders")]
    [InlineData("""{"weight_map":{"a":"/etc/passwd"}}""", "without folders")]
    [InlineData("""{"weight_map":{"a":""}}""", "without folders")]
    [InlineData("""{"weight_map":{"a":".."}}""", "")]
    [InlineData("""{"weight_map":{"a":"x\u0000y"}}""", "")]
    [InlineData("""{"weight_map":{"a":5}}""", "not one file name")]
    [InlineData("""{"weight_map":{"a":null}}""", "not one file name")]
    [InlineData("""{"weight_map":{"a":"s1.safetensors","a":"s1.safetensors"}}""", "not one file name")]
    [InlineData("""{"weight_map":["s1.safetensors"]}""", "weight_map is missing")]
    [InlineData("""{"weight_map":{}}""", "weight_map")]
    [InlineData("""{"metadata":{}}""", "weight_map is missing")]
    [InlineData("""["weight_map"]""", "JSON")]
    [InlineData("""{"weight_map":{"a":"\ud800"}}""", "")]
    [InlineData("{", "JSON")]
    [InlineData("", "JSON")]
    public void An_index_that_does_not_describe_the_folder_is_refused(string index, string expected)
    {
        using TemporaryFolder folder = Sharded();
        File.WriteAllText(folder[Checkpoint.IndexFileName], index);
        CheckpointException exception = Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Path, exception.Message, StringComparison.Ordinal);
        Assert.Equal(exception.Message.ReplaceLineEndings(" "), exception.Message);
    }

    [Fact]
    public void The_same_tensor_in_two_shards_is_refused()
    {
        using TemporaryFolder folder = Sharded();
        File.WriteAllBytes(folder["s2.safetensors"], SafetensorsBytes.File("""{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", 4));
        Assert.Contains("mixes two checkpoints", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("pytorch_model.bin"), InlineData("pytorch_model-00001-of-00002.bin"), InlineData("weights.pt"), InlineData("consolidated.00.pth")]
    public void Pickle_files_are_refused_with_the_reason_and_the_remedy(string name)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], "{}");
        File.WriteAllBytes(folder[name], [0x80, 2]);
        CheckpointException exception = Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path));
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
        Assert.Contains("run code", exception.Message, StringComparison.Ordinal);
        Assert.Contains("convert the model to safetensors", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_config_weights_or_existence_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no such folder", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder["none"])).Message, StringComparison.Ordinal);
        Assert.Contains("config.json", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["config.json"], "{}");
        Assert.Contains(Checkpoint.SingleFileName, Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [SharedFact]
    public void The_files_of_real_models_open_and_hold_what_their_lengths_say()
    {
        foreach (string model in (string[])["llama-13m", "opt-6m"])
        {
            using Checkpoint checkpoint = Checkpoint.Open(TestData.SharedPath("models", model));
            Assert.Equal(checkpoint.ByteCount, checkpoint.Files.Sum(f => f.HeaderBytes) + checkpoint.Tensors.Sum(t => t.ByteCount));
            Assert.All(checkpoint.Tensors, t => Assert.True(ElementTypes.IsWeight(t.Type)));
        }
    }

    private static TemporaryFolder Sharded()
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], "{}");
        File.WriteAllBytes(folder["s1.safetensors"], SafetensorsBytes.File("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2));
        File.WriteAllBytes(folder["s2.safetensors"], SafetensorsBytes.File("""{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2));
        File.WriteAllText(folder[Checkpoint.IndexFileName], """{"metadata":{"total_size":4},"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}}""");
        return folder;
    }
}
