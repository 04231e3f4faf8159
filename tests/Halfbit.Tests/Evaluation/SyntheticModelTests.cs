using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Evaluation;

/// <summary>The model of random weights is a folder like any other that is laid out to run.</summary>
public sealed class SyntheticModelTests
{
    internal static readonly SyntheticShape Shape = new(Hidden: 96, FeedForward: 200, Heads: 4, Vocabulary: 130);

    [Theory]
    [InlineData("xnor")]
    [InlineData("billm")]
    [InlineData("pb-llm")]
    [InlineData("rtn4")]
    public void It_opens_as_a_model_laid_out_to_run(string form)
    {
        using var folder = new TemporaryFolder();
        var told = new List<(long Done, long All)>();
        SyntheticModel written = SyntheticModel.Write(folder.Path, form, 3, Shape, (done, all) => told.Add((done, all)));
        using ModelFolder model = ModelFolder.Open(folder.Path, ActivationPrecision.EightBits);
        Assert.True(model.Packed!.IsLaidOut);
        Assert.Equal(3, model.Decoder.Blocks.Count);
        LinearLayer[] linears = [.. model.Decoder.Blocks.SelectMany(b => b.Linears)];
        TiledMatrix[] tiles = [.. linears.Select(l => Assert.IsType<TiledMatrix>(l.Weights))];
        Assert.Equal((written.WeightCount, written.WeightBytes), (linears.Sum(l => (long)l.Rows * l.Columns), tiles.Sum(t => t.ByteCount)));
        Assert.Equal((3 * Shape.WeightsPerBlock, model.Checkpoint.ByteCount), (written.WeightCount, written.FileBytes));
        Assert.All(tiles, t => Assert.Equal(0, t.RecordAddress(0, 0, t.Sections[0]) % 64));
        Assert.Equal(tiles.Length, tiles.Select(t => t.RecordAddress(0, 0, t.Sections[0])).Distinct().Count()); // every block has bytes of its own
        Assert.All(model.Decoder.Logits([1, 5, 129]).Data, logit => Assert.True(float.IsFinite(logit)));
        Assert.InRange(SyntheticModel.BytesOf(form, 3, Shape), 0.8 * written.FileBytes, 1.2 * written.FileBytes); // headers are large in a file as small as this
        Assert.Equal(told[^1].Done, told.Select(t => t.Done).Max());
        Assert.InRange(told[^1].Done, 0.8 * told[^1].All, 1.2 * told[^1].All);
    }

    [Fact]
    public void Bytes_are_known_before_they_are_written()
    {
        foreach (string form in KernelThroughput.Forms)
        {
            using var folder = new TemporaryFolder();
            var shape = new SyntheticShape(512, 1024, 8, 256);
            double written = SyntheticModel.Write(folder.Path, form, 1, shape).FileBytes;
            Assert.InRange(SyntheticModel.BytesOf(form, 1, shape) / written, 0.95, 1.05);
        }
    }

    [Fact]
    public void A_disk_without_room_is_noticed_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        string message = Assert.Throws<IOException>(() => SyntheticModel.Write(folder.Path, "sign", 10_000_000)).Message;
        Assert.Contains(folder.Path, message, StringComparison.Ordinal);
        Assert.Contains("needs 284", message, StringComparison.Ordinal); // 10⁷ blocks of 202 375 168 weights of 1.125 bits, in 10⁹ bytes
        Assert.Contains("--folder", message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_cancelled_model_is_not_written()
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => SyntheticModel.Write(folder.Path, "sign", 3, Shape, (_, _) => source.Cancel(), source.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
