using System.Diagnostics;
using System.Globalization;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Benchmarks;

/// <summary>Training steps on random ids, those of <c>bench/torch_training.py</c>: the whole model in single precision, then with PB-LLM's weights and a teacher.</summary>
internal static class TrainBench
{
    private const int Steps = 6;
    private const double Rate = 1e-5;

    public static int Run(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("train MODEL [sequences] [length] [threads]");
            return 2;
        }

        (int batch, int length) = (Number(1, 8), Number(2, 512));
        RowParallel.Threads = Number(3, RowParallel.Threads);
        using Checkpoint checkpoint = Checkpoint.Open(args[0]);
        ModelConfig config = ModelConfig.Read(checkpoint.ConfigPath);
        int[] ids = Ids((batch * length) + 1, config.VocabularySize);
        Measure("whole model", Load(checkpoint, config, isPartial: false), ids, length, teacher: null);
        Measure("PB-LLM 10 %, teacher", Load(checkpoint, config, isPartial: true), ids, length, new DecoderTeacher(Decoder.Open(checkpoint)));
        Console.WriteLine(FormattableString.Invariant($"peak memory {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:F0} MB"));
        return 0;

        int Number(int k, int usual) => args.Length > k ? int.Parse(args[k], CultureInfo.InvariantCulture) : usual;
    }

    private static TrainableModel<float> Load(Checkpoint checkpoint, ModelConfig config, bool isPartial)
    {
        TrainableModel<float> model = TrainableLoader<float>.Load(config, new CheckpointParameters<float>(checkpoint), (name, _) => !isPartial || name.Contains("layers.", StringComparison.Ordinal));
        if (!isPartial) return model;
        foreach (LinearUnit<float> linear in model.Linears) linear.Form = new PbLlmWeights<float>(linear.Weight.Value, new PbLlmTrainingOptions());
        return model;
    }

    private static void Measure(string what, TrainableModel<float> model, int[] ids, int length, ITeacher<float>? teacher)
    {
        int tokens = ids.Length - 1;
        var optimizer = new AdamW<float>(model.Parameters, new AdamWOptions());
        LossSettings loss = teacher is null ? LossSettings.CrossEntropy : new LossSettings(0.9, 1);
        var times = new List<double>();
        double first = 0;
        for (int step = 0; step < Steps; step++)
        {
            long start = Stopwatch.GetTimestamp();
            model.ClearGradients();
            model.Refresh();
            LossSums sums = model.ForwardBackward(ids.AsSpan(0, tokens), ids.AsSpan(1), length, loss, teacher, 1.0 / tokens);
            model.PullBack();
            optimizer.Update(Rate);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            if (step == 0) first = sums.NegativeLogLikelihood / sums.Tokens;
        }

        Console.WriteLine(FormattableString.Invariant($"{what}: {RowParallel.Threads} threads, first loss {first:F5}, {tokens / times.Skip(1).Order().ElementAt(2):F0} tokens/s"));
    }

    /// <summary>A linear congruential generator that both programs can write down.</summary>
    private static int[] Ids(int count, int vocabulary)
    {
        var ids = new int[count];
        uint state = 1;
        for (int k = 0; k < count; k++)
        {
            state = unchecked((state * 1664525) + 1013904223);
            ids[k] = (int)((state >> 8) % (uint)vocabulary);
        }

        return ids;
    }
}
