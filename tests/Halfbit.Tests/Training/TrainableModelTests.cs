using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>Whole models of every architecture: their forward pass is that of inference, their gradients are those of central differences.</summary>
public sealed class TrainableModelTests
{
    private const int Length = 7;

    public static TheoryData<string> Probes => ["probe-llama2-gqa", "probe-llama3", "probe-mistral", "probe-qwen2", "probe-opt", "probe-opt350"];

    [Theory]
    [MemberData(nameof(Probes))]
    public void Logits_are_those_of_inference(string probe)
    {
        using Checkpoint checkpoint = Checkpoint.Open(TestData.AnyPath("models", "probes", probe));
        TrainableModel<float> model = Load<float>(checkpoint);
        int[] ids = Ids(model.Config, 2 * Length);
        Matrix<float> actual = model.Logits(ids, Length);
        Decoder decoder = Decoder.Open(checkpoint);
        for (int s = 0; s < 2; s++)
        {
            Matrix expected = decoder.Logits(ids.AsSpan(s * Length, Length));
            float largest = expected.Data.Max(MathF.Abs);
            for (int t = 0; t < Length; t++)
            {
                for (int v = 0; v < expected.Columns; v++) Assert.True(MathF.Abs(actual.Row((s * Length) + t)[v] - expected[t, v]) <= 2e-5f * largest, $"logit {v} of token {t}: {actual.Row((s * Length) + t)[v]} for {expected[t, v]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Probes))]
    public void Gradients_of_every_parameter_are_central_differences(string probe)
    {
        using Checkpoint checkpoint = Checkpoint.Open(TestData.AnyPath("models", "probes", probe));
        TrainableModel<double> model = Load<double>(checkpoint);
        TrainableModel<double> teacher = Load<double>(checkpoint);
        Shake(teacher);
        int[] ids = Ids(model.Config, 2 * Length);
        int[] targets = Targets(ids);
        var loss = new LossSettings(0.4, 1.7);
        var taught = new ModelTeacher(teacher);
        const double Weight = 1.0 / ((2 * Length) - 3);
        model.ForwardBackward(ids, targets, Length, loss, taught, Weight);
        double[][] gradients = [.. model.Parameters.Select(p => p.Gradient.Data.ToArray())];

        var random = new Random(5);
        for (int p = 0; p < model.Parameters.Count; p++)
        {
            double[] value = model.Parameters[p].Value.Data;
            double[] direction = [.. value.Select(_ => random.NextDouble() - 0.5)];
            double expected = 0, size = 0;
            for (int k = 0; k < value.Length; k++)
            {
                expected += gradients[p][k] * direction[k];
                size += Math.Abs(gradients[p][k] * direction[k]);
            }

            const double Step = 1e-5;
            double numeric = (LossAt(Step) - LossAt(-Step)) / (2 * Step);
            Assert.True(Math.Abs(numeric - expected) <= 1e-9 + (2e-6 * size), $"{model.Parameters[p].Name}: {expected} for {numeric}");

            double LossAt(double step)
            {
                double[] before = [.. value];
                for (int k = 0; k < value.Length; k++) value[k] += step * direction[k];
                double total = model.ForwardBackward(ids, targets, Length, loss, taught, Weight).Mean(loss);
                before.CopyTo(value, 0);
                return total;
            }
        }

        Assert.All(gradients, g => Assert.Contains(g, v => v != 0));
    }

    [Theory]
    [InlineData("probe-llama2-gqa")]
    [InlineData("probe-opt350")]
    public void Blocks_that_run_forward_again_give_the_same_bits(string probe)
    {
        using Checkpoint checkpoint = Checkpoint.Open(TestData.AnyPath("models", "probes", probe));
        float[][] kept = Gradients(checkpoint, int.MaxValue, threads: 1);
        Assert.Equal(kept, Gradients(checkpoint, 0, threads: 1));
        Assert.Equal(kept, Gradients(checkpoint, 1, threads: 2));
        Assert.Equal(kept, Gradients(checkpoint, int.MaxValue, threads: 3));
    }

    private static float[][] Gradients(Checkpoint checkpoint, int keptBlocks, int threads)
    {
        TrainableModel<float> model = Load<float>(checkpoint);
        model.KeptBlocks = keptBlocks;
        int[] ids = Ids(model.Config, 4 * 40);
        int before = RowParallel.Threads;
        try
        {
            RowParallel.Threads = threads;
            model.ForwardBackward(ids, Targets(ids), 40, LossSettings.CrossEntropy, teacher: null, 0.1);
        }
        finally
        {
            RowParallel.Threads = before;
        }

        return [.. model.Parameters.Select(p => p.Gradient.Data)];
    }

    private static TrainableModel<T> Load<T>(Checkpoint checkpoint)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => TrainableLoader<T>.Load(ModelConfig.Read(checkpoint.ConfigPath), new CheckpointParameters<T>(checkpoint));

    private static int[] Ids(ModelConfig config, int count)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(config.VocabularySize))];
    }

    /// <summary>The next tokens; a few do not count.</summary>
    private static int[] Targets(int[] ids)
    {
        int[] targets = [.. ids.Skip(1), ids[0]];
        targets[2] = targets[Length - 1] = targets[^1] = CrossEntropyOperation.NotCounted;
        return targets;
    }

    private static void Shake(TrainableModel<double> model)
    {
        var random = new Random(11);
        foreach (Parameter<double> parameter in model.Parameters)
        {
            for (int k = 0; k < parameter.Value.Data.Length; k++) parameter.Value.Data[k] += 0.05 * (random.NextDouble() - 0.5);
        }
    }

    private sealed class ModelTeacher(TrainableModel<double> model) : ITeacher<double>
    {
        private Matrix<double>? logits;

        public void Run(ReadOnlySpan<int> ids, int length) => logits = model.Logits(ids, length);

        public void Logits(int firstRow, Matrix<double> destination) => logits!.Data.AsSpan(firstRow * destination.Columns, destination.Data.Length).CopyTo(destination.Data);
    }
}
