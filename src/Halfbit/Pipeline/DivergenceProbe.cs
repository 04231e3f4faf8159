using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Pipeline;

/// <summary>What other weights in one layer do to the original model, on a few calibration sequences: to the residual stream behind the layer's block, and to the next token's distribution.</summary>
/// <remarks>In memory: four hidden states of the sequences and a piece of logits. Blocks behind the layer's are run once for each question and released at once.</remarks>
internal sealed class DivergenceProbe
{
    /// <summary>Tokens that are run, in whole sequences, at least one.</summary>
    private const int Tokens = 1024;

    /// <summary>Logits are looked at for every so many tokens.</summary>
    private const int Stride = 4;

    /// <summary>Logits that are held at once.</summary>
    private const int LogitsAtOnce = 1 << 22;

    private readonly Decoder decoder;
    private readonly SequenceBatch batch = new();
    private readonly Matrix input;
    private readonly Matrix output;
    private readonly Matrix hidden;
    private readonly Matrix final;
    private readonly int[][] predictions;
    private readonly Matrix logits;
    private readonly Matrix otherLogits;

    /// <summary>Runs the sequences through the whole model.</summary>
    /// <param name="decoder">The original model.</param>
    /// <param name="sequences">Calibration sequences, at least one; the first ones are taken.</param>
    public DivergenceProbe(Decoder decoder, IReadOnlyList<int[]> sequences)
    {
        this.decoder = decoder;
        foreach (int[] sequence in sequences.Take(Math.Max(1, Tokens / sequences[0].Length))) batch.Add(sequence);
        input = NewState();
        output = NewState();
        hidden = NewState();
        final = NewState();
        predictions = [.. Enumerable.Range(0, batch.RowCount).Where(t => t % Stride == Stride - 1 || t == batch.RowCount - 1).Chunk(Math.Max(1, LogitsAtOnce / decoder.Config.VocabularySize))];
        logits = new Matrix(predictions[0].Length, decoder.Config.VocabularySize);
        otherLogits = new Matrix(predictions[0].Length, decoder.Config.VocabularySize);
        decoder.Embed(batch, input);
        Run(input, final, 0);
    }

    /// <summary>Enters a block: the next one in order, whether or not it is asked about.</summary>
    /// <param name="block">0-based.</param>
    public void Enter(int block)
    {
        if (block > 0) output.View.CopyTo(input.View);
        input.View.CopyTo(output.View);
        decoder.Blocks[block].Forward(output, batch);
    }

    /// <summary>The damage that other weights do.</summary>
    /// <param name="block">The block that was entered.</param>
    /// <param name="layer">A layer of it; has its own weights again on return.</param>
    /// <param name="weights">Weights that take their place.</param>
    /// <returns>
    /// Mean over tokens of ‖h′ − h‖² / ‖h‖², h being a token's row of the residual stream behind the block, plus the Kullback-Leibler divergence in nats, to second order:
    /// half the variance of the logits' change.
    /// </returns>
    public double DamageOf(int block, LinearLayer layer, IWeightRows weights)
    {
        IWeightRows original = layer.Weights;
        layer.Weights = weights;
        try
        {
            input.View.CopyTo(hidden.View);
            decoder.Blocks[block].Forward(hidden, batch);
        }
        finally
        {
            layer.Weights = original;
        }

        double change = SumOverTokens(batch.RowCount, t => RelativeChange(output.Row(t), hidden.Row(t))) / batch.RowCount;
        Run(hidden, hidden, block + 1);
        return change + Divergence();
    }

    private Matrix NewState() => new(batch.RowCount, decoder.Config.HiddenSize);

    private void Run(Matrix from, Matrix to, int firstBlock)
    {
        if (from != to) from.View.CopyTo(to.View);
        foreach (DecoderBlock block in decoder.Blocks.Skip(firstBlock))
        {
            block.Forward(to, batch);
            block.Release();
        }
    }

    private double Divergence()
    {
        double sum = 0;
        foreach (int[] rows in predictions)
        {
            decoder.Logits(final, rows, logits);
            decoder.Logits(hidden, rows, otherLogits);
            sum += SumOverTokens(rows.Length, t => HalfVariance(logits.Row(t), otherLogits.Row(t)));
        }

        return sum / predictions.Sum(rows => rows.Length);
    }

    private static double SumOverTokens(int count, Func<int, double> of)
    {
        var values = new double[count];
        RowParallel.For(count, 16, (start, end) =>
        {
            for (int t = start; t < end; t++) values[t] = of(t);
        });
        return values.Sum();
    }

    private static double RelativeChange(ReadOnlySpan<float> h, ReadOnlySpan<float> changed)
    {
        double change = 0;
        double power = 0;
        for (int j = 0; j < h.Length; j++)
        {
            double d = (double)changed[j] - h[j];
            change += d * d;
            power += (double)h[j] * h[j];
        }

        return power > 0 ? change / power : 0;
    }

    /// <summary>½·Var(z′ − z) under softmax(z).</summary>
    private static double HalfVariance(ReadOnlySpan<float> z, ReadOnlySpan<float> changed)
    {
        float largest = float.NegativeInfinity;
        foreach (float logit in z) largest = MathF.Max(largest, logit);
        double total = 0;
        double first = 0;
        double second = 0;
        for (int id = 0; id < z.Length; id++)
        {
            double p = MathF.Exp(z[id] - largest);
            double d = (double)changed[id] - z[id];
            total += p;
            first += p * d;
            second += p * d * d;
        }

        double mean = first / total;
        return Math.Max(0, ((second / total) - (mean * mean)) / 2);
    }
}
