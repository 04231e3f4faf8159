using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>Matrices are laid out several at once: the order and the bytes are those of one after the other.</summary>
public sealed class LayingOutTests
{
    /// <summary>Some of each form, of very different sizes; the fourth has no kernel.</summary>
    private static readonly PackedMatrix[] Matrices = [.. KernelThroughput.Forms.Select((form, k) => k == 3 ? Plain(20, 30) : Random(form, k))];

    [Theory]
    [InlineData(1, 1 << 26)]
    [InlineData(2, 1 << 26)]
    [InlineData(5, 1 << 26)]
    [InlineData(2, 1)]
    [InlineData(2, 20_000)]
    public void Threads_and_groups_change_neither_order_nor_bytes(int threads, int weightsPerThread)
    {
        TiledMatrix?[] expected = [.. Matrices.Select(m => TiledMatrix.Of(m))];
        using var count = new ThreadCount(threads);
        TiledMatrix?[] actual = [.. LayingOut.Of(Matrices, ActivationPrecision.Exact, weightsPerThread: weightsPerThread)];
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(3, Array.FindIndex(actual, t => t is null));
        for (int k = 0; k < expected.Length; k++)
        {
            Assert.Equal(expected[k] is null, actual[k] is null);
            if (actual[k] is not TiledMatrix tiled) continue;
            Assert.Equal(ActivationPrecision.Exact, tiled.Precision);
            Assert.Equal((expected[k]!.Rows, expected[k]!.Columns), (tiled.Rows, tiled.Columns));
            Assert.True(expected[k]!.Memory.SequenceEqual(tiled.Memory), $"matrix {k} ({tiled.Format})");
        }
    }

    [Fact]
    public void A_group_is_laid_out_only_when_it_is_asked_for()
    {
        using var source = new CancellationTokenSource();
        using IEnumerator<TiledMatrix?> tiles = LayingOut.Of(Matrices, ActivationPrecision.EightBits, weightsPerThread: 1, source.Token).GetEnumerator();
        Assert.True(tiles.MoveNext());
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => tiles.MoveNext());
    }

    [Fact]
    public void An_opened_model_has_the_same_bytes_for_any_number_of_threads()
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["packed"], "billm", ("group-size", "16")));
        byte[][] one = Tiles(1);
        Assert.Equal(14, one.Length);
        foreach (int threads in (int[])[2, 3]) Assert.Equal(one, Tiles(threads));

        byte[][] Tiles(int threads)
        {
            using var count = new ThreadCount(threads);
            using ModelFolder opened = ModelFolder.Open(folder["packed"], ActivationPrecision.EightBits);
            return [.. opened.Decoder.Blocks.SelectMany(b => b.Linears).Select(l => ((TiledMatrix)l.Weights).Memory.ToArray())];
        }
    }

    private static PackedMatrix Random(string form, int k) => new(Packer.Pack(RandomForms.Create(form, 30 + (67 * (k % 4)), 40 + (31 * (k % 5)), seed: k)));

    private static PackedMatrix Plain(int rows, int columns) => new(Packer.Pack(new PlainMatrix(new Matrix(rows, columns), ScaleFormat.Exact)));
}
