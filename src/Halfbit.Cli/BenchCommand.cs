using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Cli;

/// <summary>halfbit bench: speed on this machine, against a rival measured in the same run where there is one.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", SharedOptions.WithExample("Measures speed on this machine", "halfbit bench gemm --threads 2"))
    {
        CreateGemm(),
        CreateQuantize(),
        BenchKernels.Create(),
        BenchGenerate.Create(),
    };

    private static Command CreateGemm()
    {
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("gemm", SharedOptions.WithExample(
            "Dense products, and OpenBLAS in turns with them where it is installed (its core type forced)", "halfbit bench gemm")) { threads, json };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            GemmRow[] rows = [.. GemmMeasurement.DefaultShapes.Select(s => GemmMeasurement.Measure(s.M, s.N, s.K, RowParallel.Threads))];
            if (parsed.GetValue(json)) JsonOutput.Write(new JsonObject { ["rows"] = JsonOutput.Array(rows.Select(ToJson)) });
            else Print(rows);
            return Failure.None;
        }));
        return command;
    }

    private static Command CreateQuantize()
    {
        var size = new Option<int>("--size") { Description = "Rows and columns of the matrix", HelpName = "N", DefaultValueFactory = _ => 4096 };
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var method = new MethodArguments();
        var command = new Command("quantize", SharedOptions.WithExample(
            "Time to quantize one random square matrix, its Hessian given", "halfbit bench quantize --method pb-llm --size 4096"));
        method.AddTo(command);
        command.Add(size);
        command.Add(threads);
        command.Add(json);
        command.SetAction(parsed => Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            int n = SharedOptions.AtLeast("--size", parsed.GetValue(size), 1);
            IQuantizationMethod chosen = method.Create(parsed);
            (double seconds, double cpuSeconds) = Time(chosen, n);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(new JsonObject
                {
                    ["rows"] = JsonOutput.Array([new JsonObject
                    {
                        ["method"] = chosen.Name, ["rows"] = n, ["columns"] = n, ["threads"] = RowParallel.Threads, ["seconds"] = seconds, ["cpuSeconds"] = cpuSeconds,
                    }]),
                });
            }
            else
            {
                Console.WriteLine(FormattableString.Invariant($"{chosen.Name} [{n}, {n}], {RowParallel.Threads} threads: {seconds:F2} s ({cpuSeconds:F2} s of processor time), best of 3"));
            }

            return Failure.None;
        }));
        return command;
    }

    /// <summary>Best of three runs on Gaussian weights and the Hessian of Gaussian inputs of uneven strength, factor included.</summary>
    private static (double Seconds, double CpuSeconds) Time(IQuantizationMethod method, int n)
    {
        var random = new Random(1);
        Matrix W = Normal(random, n, n, _ => 0.02f);
        var strength = new float[n];
        for (int j = 0; j < n; j++) strength[j] = MathF.Exp(0.7f * Normal(random));
        var accumulator = new HessianAccumulator(n);
        accumulator.Add(Normal(random, 256, n, j => strength[j]).View);
        Matrix H = accumulator.Finish();
        (double Seconds, double CpuSeconds) best = (double.MaxValue, 0);
        for (int repeat = 0; repeat < 3; repeat++)
        {
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            method.Quantize(W, new LayerStatistics(H), ScaleFormat.Exact);
            double seconds = watch.Elapsed.TotalSeconds;
            if (seconds < best.Seconds) best = (seconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
        }

        return best;
    }

    private static Matrix Normal(Random random, int rows, int columns, Func<int, float> scale)
    {
        var matrix = new Matrix(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) matrix[i, j] = scale(j) * Normal(random);
        }

        return matrix;
    }

    private static float Normal(Random random)
        => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    private static JsonObject ToJson(GemmRow row)
    {
        var json = new JsonObject { ["m"] = row.M, ["n"] = row.N, ["k"] = row.K, ["threads"] = row.Threads, ["gflops"] = row.Gflops };
        if (row.OpenBlasGflops is double rival) json["openblasGflops"] = rival;
        if (row.Ratio is double ratio) json["ratio"] = ratio;
        return json;
    }

    private static void Print(GemmRow[] rows)
    {
        Console.WriteLine($"kernel {DenseKernel.Current.Name}; OpenBLAS: {GemmMeasurement.OpenBlasDescription}");
        Console.WriteLine("    m     n     k  threads  GFLOP/s  OpenBLAS  ratio");
        foreach (GemmRow row in rows)
            Console.WriteLine(FormattableString.Invariant($"{row.M,5} {row.N,5} {row.K,5}  {row.Threads,7}  {row.Gflops,7:F1}  {row.OpenBlasGflops,8:F1}  {row.Ratio,5:F2}"));
    }
}
