using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Statistics;

namespace Halfbit.Pipeline;

/// <summary>Collects what a survey wants to know of the inputs of a block's linear layers: squared norms of features, and Hessians if need be.</summary>
internal sealed class BlockSurvey : IInputObserver
{
    private readonly DecoderBlock block;
    private readonly BlockStatistics? statistics;
    private readonly double[][] squares;
    private readonly int[] sequences;
    private readonly DivergenceProbe? probe;

    /// <summary>Empty sums.</summary>
    /// <param name="block">The block, original weights in place.</param>
    /// <param name="probe">Asked about other weights of the block, which it has entered; Hessians are collected too. Null: neither.</param>
    public BlockSurvey(DecoderBlock block, DivergenceProbe? probe)
    {
        this.block = block;
        this.probe = probe;
        bool withHessians = probe is not null;
        statistics = withHessians ? new BlockStatistics(block) : null;
        squares = withHessians ? [] : [.. block.Groups.Select(g => new double[g.InputSize])];
        sequences = new int[block.Groups.Count];
    }

    /// <inheritdoc/>
    public void Observe(int group, MatrixView<float> X)
    {
        if (statistics is not null)
        {
            statistics.Observe(group, X);
            return;
        }

        sequences[group]++;
        double[] sum = squares[group];
        for (int t = 0; t < X.Rows; t++)
        {
            ReadOnlySpan<float> x = X.Row(t);
            for (int j = 0; j < x.Length; j++) sum[j] += (double)x[j] * x[j];
        }
    }

    /// <summary>All linear layers of the block with their statistics; to be asked once, after the last sequence.</summary>
    public IReadOnlyList<SurveyedLayer> Layers() => [.. block.Groups.SelectMany(LayersOf)];

    private IEnumerable<SurveyedLayer> LayersOf(LinearGroup group)
    {
        LayerStatistics? inputs = statistics?.Take(group.Index);
        float[] norm = inputs?.FeatureSquaredNorm ?? Array.ConvertAll(squares[group.Index], s => (float)(s / sequences[group.Index]));
        foreach (LinearLayer layer in group.Layers)
        {
            yield return new SurveyedLayer(layer.Name, layer.Weights, norm, inputs) { DamageOf = probe is null ? null : weights => probe.DamageOf(block.Index, layer, weights) };
        }
    }
}
