using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Cli;

/// <summary>halfbit layer: the method lab on a single matrix.</summary>
internal static class LayerCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "Safetensors file with W [out, in] and, where the method needs them, H [in, in] (undamped) and feature_sq_norm [in] (default: half of H's diagonal)" };
        var output = new Option<string?>("--out") { Description = "Write Q (F32, before scales are rounded for storage) and the masks there", HelpName = "Q.safetensors" };
        Option<bool> json = SharedOptions.Json();
        Option<int?> threads = SharedOptions.Threads();
        var method = new MethodArguments();
        var command = new Command("layer", SharedOptions.WithExample(
            "Quantizes one matrix from a safetensors file",
            "halfbit layer tests/data/reference/pb-llm/pb-e-deadsmall-24x128.safetensors --method pb-llm --salient 0.1 --out Q.safetensors"))
        {
            file,
        };
        method.AddTo(command);
        command.Add(output);
        command.Add(threads);
        command.Add(json);
        command.SetAction(parsed => Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            Run(parsed.GetValue(file)!, method.Create(parsed), parsed.GetValue(output), parsed.GetValue(json));
            return Failure.None;
        }));
        return command;
    }

    private static void Run(string path, IQuantizationMethod method, string? output, bool asJson)
    {
        if (output is not null && Path.GetFullPath(output) == Path.GetFullPath(path)) throw new OptionException($"--out {output} is the input file, which it would replace; choose another");
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Matrix W = Read(file, "W") ?? throw new InputException($"{path}: there is no tensor 'W'; the file must hold W [out, in] in F32");
        Matrix? H = Read(file, "H");
        if (H is not null && (H.Rows != W.Columns || H.Columns != W.Columns))
            throw new InputException($"{path}: tensor 'H' has shape [{H.Rows}, {H.Columns}], W of [{W.Rows}, {W.Columns}] implies [{W.Columns}, {W.Columns}]");
        float[]? featureSquaredNorm = ReadNorm(file, W.Columns);
        if (H is null && method.NeedsHessian)
            throw new InputException($"{path}: method {method.Name} needs the tensor 'H' [{W.Columns}, {W.Columns}], which is not there; add it, or use --no-compensation with --salience magnitude");

        var watch = Stopwatch.StartNew();
        LayerResult result = method.Quantize(W, H is null ? null : new LayerStatistics(H, featureSquaredNorm), ScaleFormat.Exact);
        double seconds = watch.Elapsed.TotalSeconds;
        double? weightedError = H is null ? null : WeightedError.Of(W, result.Approximation, H);
        double meanSquaredError = WeightedError.MeanSquared(W, result.Approximation);
        double trueBits = Packer.TrueBits(result.Quantized.Stored(ScaleFormat.HalfFor(LargestMagnitude(W))));
        if (output is not null) Write(output, result);

        if (asJson)
        {
            JsonOutput.Write(new JsonObject
            {
                ["method"] = method.Name,
                ["options"] = JsonOutput.Object(method.Options),
                ["chosen"] = JsonOutput.Object(result.Chosen),
                ["rows"] = W.Rows,
                ["columns"] = W.Columns,
                ["nominalBits"] = result.NominalBits,
                ["trueBits"] = trueBits,
                ["weightedError"] = weightedError is null ? null : JsonOutput.Number(weightedError.Value),
                ["meanSquaredError"] = JsonOutput.Number(meanSquaredError),
                ["seconds"] = seconds,
                ["fallbacks"] = JsonOutput.Array(result.Fallbacks.Select(f => JsonValue.Create(f))),
            });
            return;
        }

        Console.WriteLine($"{method.Name}  [{W.Rows}, {W.Columns}]  {Text(method.Options)}");
        if (result.Chosen.Count > 0) Console.WriteLine($"chosen                   {Text(result.Chosen)}");
        Console.WriteLine(FormattableString.Invariant($"nominal bits per weight  {result.NominalBits:F3}"));
        Console.WriteLine(FormattableString.Invariant($"true bits per weight     {trueBits:F3}"));
        if (weightedError is not null) Console.WriteLine(FormattableString.Invariant($"weighted error           {weightedError:G7}"));
        Console.WriteLine(FormattableString.Invariant($"mean squared error       {meanSquaredError:G7}"));
        Console.WriteLine(FormattableString.Invariant($"seconds                  {seconds:F3}"));
        foreach (string fallback in result.Fallbacks) Console.WriteLine($"fallback                 {fallback}");
    }

    private static string Text(IReadOnlyDictionary<string, string> options) => string.Join(" ", options.Select(o => $"{o.Key}={o.Value}"));

    private static Matrix? Read(SafetensorsFile file, string name)
    {
        MappedTensor? tensor = file.TryFind(name);
        if (tensor is null) return null;
        if (tensor.Shape.Count != 2 || tensor.ElementCount == 0) throw new InputException($"{file.Path}: tensor '{name}' has shape {tensor.ShapeText}, expected a matrix with at least one element");
        var matrix = new Matrix(tensor.Rows, tensor.Columns, tensor.ReadAll());
        Finite.Check(matrix, $"{file.Path}: tensor '{name}'");
        return matrix;
    }

    private static float[]? ReadNorm(SafetensorsFile file, int columns)
    {
        const string Name = "feature_sq_norm";
        MappedTensor? tensor = file.TryFind(Name);
        if (tensor is null) return null;
        if (tensor.Shape.Count != 1 || tensor.ElementCount != columns)
            throw new InputException($"{file.Path}: tensor '{Name}' has shape {tensor.ShapeText}, W implies [{columns}]: one sum of squares for each input feature");
        float[] norm = tensor.ReadAll();
        int wrong = Array.FindIndex(norm, n => !(n >= 0 && float.IsFinite(n)));
        if (wrong >= 0) throw new InputException(FormattableString.Invariant($"{file.Path}: tensor '{Name}' holds {norm[wrong]} at [{wrong}], expected a sum of squares, finite and not negative"));
        return norm;
    }

    private static float LargestMagnitude(Matrix W)
    {
        (float low, float high) = (W.Data.Min(), W.Data.Max());
        return MathF.Max(-low, high);
    }

    private static void Write(string path, LayerResult result)
    {
        Matrix Q = result.Approximation;
        var masks = new List<(string Name, Func<int, int, byte> Value)>();
        if (result.Salient is BitMatrix salient) masks.Add(("salient", (i, j) => salient[i, j] ? (byte)1 : (byte)0));
        if (result.Keep is BitMatrix keep) masks.Add(("keep", (i, j) => keep[i, j] ? (byte)1 : (byte)0));
        if (result.Group is byte[] group) masks.Add(("group", (i, j) => group[(i * Q.Columns) + j]));
        using var writer = new SafetensorsWriter(path, [new("Q", ElementType.F32, [Q.Rows, Q.Columns]), .. masks.Select(m => new TensorDeclaration(m.Name, ElementType.U8, [Q.Rows, Q.Columns]))]);
        for (int i = 0; i < Q.Rows; i++) writer.Write(MemoryMarshal.AsBytes(Q.Row(i)));
        var row = new byte[Q.Columns];
        foreach ((_, Func<int, int, byte> value) in masks)
        {
            for (int i = 0; i < Q.Rows; i++)
            {
                for (int j = 0; j < row.Length; j++) row[j] = value(i, j);
                writer.Write(row);
            }
        }

        writer.Complete();
    }
}
