using System.Diagnostics;
using System.Globalization;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Benchmarks;

/// <summary>
/// Training steps on random ids: <c>train MODEL [sequences] [length] [threads] [steps] [full|qat|both]</c>. <c>torch_training.py</c> does the same steps of <c>full</c> on the same ids.
/// </summary>
internal static class TrainBench
{
    private const double LearningRate = 1e-4;
    private const int WarmUp = 1;

    public static int Run(string[] args)
    {
        if (args.Length is 0 or > 6)
        {
            Console.Error.WriteLine("usage: train MODEL [SEQUENCES] [LENGTH] [THREADS] [STEPS] [full|qat|both]");
            return 2;
        }

        int Number(int place, int otherwise) => args.Length > place ? int.Parse(args[place], CultureInfo.InvariantCulture) : otherwise;
        (int sequences, int length, int steps) = (Number(1, 8), Number(2, 512), Number(4, 5));
        RowParallel.Threads = Number(3, RowParallel.Threads);
        string what = args.Length > 5 ? args[5] : "both";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{args[0]}: {sequences} sequences of {length}, {RowParallel.Threads} threads, kernel {DenseKernel.Current.Name}, median of {steps} steps"));
        if (what is "full" or "both") Measure(args[0], sequences, length, steps, isQuantized: false);
        if (what is "qat" or "both") Measure(args[0], sequences, length, steps, isQuantized: true);
        return 0;
    }

    private static void Measure(string folder, int sequences, int length, int steps, bool isQuantized)
    {
        using Checkpoint source = Checkpoint.Open(folder);
        ModelConfig config = ModelConfig.Read(source.ConfigPath);
        TrainableModel<float> model = TrainableLoader<float>.Load(config, new CheckpointParameters<float>(source), isQuantized ? IsTrainedWithForms : null);
        var options = new TrainingOptions { Data = [], Steps = steps, LearningRate = LearningRate, Batch = sequences };
        int atOnce = options.SequencesAtOnce(length) * length;
        model.KeptBlocks = model.BlocksThatFit(atOnce, options.KeptBytes);
        if (isQuantized)
        {
            foreach (LinearUnit<float> linear in model.Linears) linear.Form = new PbLlmWeights<float>(linear.Weight.Value, new PbLlmTrainingOptions());
        }

        ITeacher<float>? teacher = isQuantized ? new DecoderTeacher(Decoder.Open(source)) : null;
        var loss = new LossSettings(isQuantized ? 0.9 : 0, 1);
        Dictionary<Parameter<float>, IWeightForm<float>> forms = model.Linears.Where(l => l.Form is not null).ToDictionary(l => l.Weight, l => l.Form!);
        var optimizer = new AdamW<float>(model.Parameters, new AdamWOptions(), p => forms.GetValueOrDefault(p)?.Frozen);
        (int[] inputs, int[] targets) = Ids(sequences, length, config.VocabularySize);
        model.Refresh();

        var (passes, updates, losses) = (new List<double>(), new List<double>(), new List<double>());
        for (int step = 0; step < WarmUp + steps; step++)
        {
            long start = Stopwatch.GetTimestamp();
            model.ClearGradients();
            LossSums sums = default;
            for (int done = 0; done < inputs.Length; done += atOnce)
            {
                int count = Math.Min(atOnce, inputs.Length - done);
                sums += model.ForwardBackward(inputs.AsSpan(done, count), targets.AsSpan(done, count), length, loss, teacher, 1.0 / inputs.Length);
            }

            losses.Add(sums.NegativeLogLikelihood / sums.Tokens);
            double pass = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            model.PullBack();
            optimizer.Update(LearningRate, GradientNorm.ClippingFactor(GradientNorm.Of(model.Parameters), options.Clip));
            model.Refresh();
            if (step < WarmUp) continue;
            passes.Add(pass);
            updates.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        double total = Median([.. passes.Zip(updates, (a, b) => a + b)]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(isQuantized ? "pb-llm, teacher" : "full"),-16} {inputs.Length / total,8:f1} tokens/s, {passes.Count} steps of {total:f3} s: forward and backward {Median(passes):f3}, update {Median(updates):f3}; nll first {losses[0]:f6}, last {losses[^1]:f6}; peak {PeakMegabytes():f0} MB"));
    }

    /// <summary>As <c>halfbit qat --train norms</c>: everything in the blocks and norms.</summary>
    private static bool IsTrainedWithForms(string name, ParameterRole role) => name.Contains("layers.", StringComparison.Ordinal) || role is ParameterRole.NormWeight or ParameterRole.Bias;

    /// <summary>Inputs and what follows them, of sequences of random ids: the upper bits of Knuth's linear congruential generator.</summary>
    private static (int[] Inputs, int[] Targets) Ids(int sequences, int length, int vocabulary)
    {
        ulong state = 1;
        (int[] inputs, int[] targets) = (new int[sequences * length], new int[sequences * length]);
        for (int s = 0; s < sequences; s++)
        {
            for (int t = 0; t <= length; t++)
            {
                state = (state * 6364136223846793005) + 1442695040888963407;
                int id = (int)((state >> 33) % (ulong)vocabulary);
                if (t < length) inputs[(s * length) + t] = id;
                if (t > 0) targets[(s * length) + t - 1] = id;
            }
        }

        return (inputs, targets);
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double PeakMegabytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / 1e6;
    }
}
