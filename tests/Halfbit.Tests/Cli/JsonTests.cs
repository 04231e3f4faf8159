using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>With --json every command prints one document with the promised fields, and nothing else on standard output.</summary>
public sealed class JsonTests(CliFixture files) : IClassFixture<CliFixture>
{
    [Fact]
    public void Quantize_reports_the_job_and_every_layer()
    {
        JsonNode report = files.QuantizeReport;
        AssertHas(report, "model", "method", "options", "nominalBits", "trueBits", "bytes", "sourceBytes", "seconds", "peakMemoryBytes", "layers");
        Assert.Equal("pb-llm", (string)report["method"]!);
        Assert.Equal("0.9", (string)report["options"]!["low-frac"]!);
        Assert.Equal(new DirectoryInfo(files.Packed).GetFiles("*.safetensors").Sum(f => f.Length), (long)report["bytes"]!);
        Assert.Equal(new FileInfo(Path.Combine(files.Model, "model.safetensors")).Length, (long)report["sourceBytes"]!);
        Assert.InRange((long)report["peakMemoryBytes"]!, 10 << 20, 4L << 30);
        JsonArray layers = report["layers"]!.AsArray();
        Assert.Equal(14, layers.Count);
        double bits = 0;
        double weights = 0;
        foreach (JsonNode? layer in layers)
        {
            AssertHas(layer!, "name", "rows", "columns", "nominalBits", "trueBits", "weightedError", "relativeError", "seconds");
            Assert.InRange((double)layer!["relativeError"]!, 1e-4, 1);
            Assert.True((double)layer["weightedError"]! > 0);
            double count = (double)layer["rows"]! * (double)layer["columns"]!;
            bits += (double)layer["trueBits"]! * count;
            weights += count;
        }

        Assert.Equal(bits / weights, (double)report["trueBits"]!, 1e-9);
        Assert.InRange((double)report["nominalBits"]!, 1.6, 1.75);
    }

    [Fact]
    public void Text_that_begins_with_an_at_sign_is_text_and_no_response_file()
    {
        JsonNode rows = CommandLine.Run("tokenize", TestData.Sample, "@home, sweet home", "--json").Json;
        Assert.Equal("@home, sweet home", (string)rows[0]!["text"]!);
        string ids = string.Join(',', rows[0]!["ids"]!.AsArray().Select(i => (int)i!));
        Assert.Equal("@home, sweet home", (string)CommandLine.Run("tokenize", TestData.Sample, "--decode", ids, "--json").Json["text"]!);
    }

    [Fact]
    public void Eval_reports_perplexity_and_divergence_for_every_file()
    {
        JsonNode report = CommandLine.Run("eval", files.Packed, "--perplexity", files.Text, files.Text, "--window", "32", "--reference", files.Model, "--json").Json;
        Assert.Equal(2, report["perplexity"]!.AsArray().Count);
        foreach (JsonNode? row in report["perplexity"]!.AsArray())
        {
            AssertHas(row!, "file", "value", "tokens", "windows", "seconds", "klDivergence", "top1Agreement");
            Assert.Equal(files.Text, (string)row!["file"]!);
            Assert.Equal(18, (int)row["windows"]!);
            Assert.True((double)row["value"]! > 1);
            Assert.True((double)row["klDivergence"]! > 0);
            Assert.InRange((double)row["top1Agreement"]!, 0, 1);
        }

        JsonNode self = CommandLine.Run("eval", files.Model, "--perplexity", files.Text, "--window", "32", "--reference", files.Model, "--json").Json["perplexity"]![0]!;
        Assert.Equal(0, (double)self["klDivergence"]!, 1e-9);
        Assert.Equal(1, (double)self["top1Agreement"]!);
        JsonNode limited = CommandLine.Run("eval", files.Model, "--perplexity", files.Text, "--window", "32", "--tokens-limit", "100", "--json").Json["perplexity"]![0]!;
        Assert.Equal(3, (int)limited["windows"]!);
        Assert.Null(limited["klDivergence"]);
    }

    [Fact]
    public void Generate_reports_ids_and_text_that_belong_together()
    {
        foreach (string model in (string[])[files.Model, files.Packed])
        {
            JsonNode report = CommandLine.Run("generate", model, "to be", "-n", "9", "--ignore-eos", "--json").Json;
            AssertHas(report, "prompt", "ids", "text", "promptTokensPerSecond", "tokensPerSecond");
            Assert.Equal("to be", (string)report["prompt"]!);
            Assert.Equal(9, report["ids"]!.AsArray().Count);
            JsonNode again = CommandLine.Run("generate", model, "to be", "-n", "9", "--ignore-eos", "--json", "--threads", "1").Json;
            Assert.Equal(report["ids"]!.ToJsonString(), again["ids"]!.ToJsonString());
        }

        CommandResult plain = CommandLine.Run("generate", files.Model, "to be", "-n", "4", "--ids", "--ignore-eos");
        Assert.Equal(0, plain.ExitCode);
        Assert.Equal(4, plain.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Length);
    }

    [Fact]
    public void Logits_reports_each_position_and_all_logits_of_named_ones()
    {
        JsonArray positions = CommandLine.Run("logits", files.Model, "--tokens", "256,10,20", "--positions", "0,2", "--top", "3", "--json").Json["positions"]!.AsArray();
        Assert.Equal([0, 1, 2], positions.Select(p => (int)p!["position"]!));
        foreach (JsonNode? position in positions)
        {
            AssertHas(position!, "position", "logSumExp", "top");
            double[] top = [.. position!["top"]!.AsArray().Select(t => (double)t!["logit"]!)];
            Assert.Equal(3, top.Length);
            Assert.Equal(top.OrderDescending(), top);
            if ((int)position["position"]! == 1)
            {
                Assert.Null(position["logits"]);
                continue;
            }

            double[] all = [.. position["logits"]!.AsArray().Select(l => (double)l!)];
            Assert.Equal(257, all.Length);
            Assert.Equal(all.Max(), top[0]);
            Assert.Equal(Math.Log(all.Sum(Math.Exp)), (double)position["logSumExp"]!, 1e-4);
            Assert.Equal(all[(int)position["top"]![0]!["id"]!], top[0]);
        }
    }

    [Fact]
    public void Tokenize_gives_ids_and_takes_them_back()
    {
        JsonArray rows = CommandLine.Run("tokenize", files.Model, "to be", "<s>", "--json").Json.AsArray();
        Assert.Equal(["to be", "<s>"], rows.Select(r => (string)r!["text"]!));
        Assert.Equal(3, rows[1]!["ids"]!.AsArray().Count); // plain text, not the special token
        JsonArray parsed = CommandLine.Run("tokenize", files.Model, "<s>", "--parse-special", "--json").Json.AsArray();
        Assert.Equal(256, (int)parsed[0]!["ids"]![0]!);
        string ids = string.Join(',', rows[0]!["ids"]!.AsArray().Select(i => (int)i!));
        JsonNode decoded = CommandLine.Run("tokenize", files.Model, "--decode", ids, "--json").Json;
        Assert.Equal("to be", (string)decoded["text"]!);
        AssertHas(decoded, "ids");
        File.WriteAllText(files["lines.txt"], "a\nbc\n\nd\n");
        JsonArray lines = CommandLine.Run("tokenize", files.Model, "--file", files["lines.txt"], "--lines", "--json").Json.AsArray();
        Assert.Equal(["a", "bc", "", "d"], lines.Select(r => (string)r!["text"]!));
    }

    [Fact]
    public void Inspect_counts_every_byte_of_both_kinds_of_model()
    {
        foreach (string model in (string[])[files.Model, files.Packed])
        {
            JsonNode report = CommandLine.Run("inspect", model, "--json").Json;
            AssertHas(report, "architecture", "parameters", "bytes", "trueBits", "tensors");
            Assert.Equal("llama", (string)report["architecture"]!);
            Assert.Equal((2 * 257 * 32) + 32 + (2 * (64 + (2 * 1024) + (2 * 512) + (3 * 2560))), (long)report["parameters"]!);
            Assert.Equal(new DirectoryInfo(model).GetFiles("*.safetensors").Sum(f => f.Length), (long)report["bytes"]!);
            foreach (JsonNode? tensor in report["tensors"]!.AsArray()) AssertHas(tensor!, "name", "shape", "format", "bytes", "trueBits");
            Assert.InRange(report["tensors"]!.AsArray().Sum(t => (long)t!["bytes"]!), 0.8 * (long)report["bytes"]!, (long)report["bytes"]!);
            if (model == files.Packed) Assert.Equal((double)files.QuantizeReport["trueBits"]!, (double)report["trueBits"]!, 1e-9);
        }
    }

    [Fact]
    public void Convert_reports_what_inspect_finds()
    {
        string run = files["run"];
        JsonNode report = CommandLine.Run("convert", files.Packed, "-o", run, "--json").Json;
        AssertHas(report, "model", "output", "laidOut", "coded", "trueBits", "sourceTrueBits", "bytes", "sourceBytes", "seconds");
        Assert.Equal((14, 0), ((int)report["laidOut"]!, (int)report["coded"]!));
        Assert.Equal((double)files.QuantizeReport["trueBits"]!, (double)report["sourceTrueBits"]!, 1e-9);
        JsonNode inspected = CommandLine.Run("inspect", run, "--json").Json;
        Assert.Equal((double)report["trueBits"]!, (double)inspected["trueBits"]!, 1e-9);
        Assert.Equal((long)report["bytes"]!, (long)inspected["bytes"]!);
        JsonNode[] tiles = [.. inspected["tensors"]!.AsArray().Where(t => ((string)t!["format"]!).StartsWith("tiles: signs + 8 bit lists", StringComparison.Ordinal)).Select(t => t!)];
        Assert.Equal(14, tiles.Length);
        Assert.All(tiles, t => Assert.Equal(2, t["shape"]!.AsArray().Count));
        Assert.Contains("exists already", CommandLine.Run("convert", files.Packed, "-o", run).Failure(1), StringComparison.Ordinal);
        Assert.Contains("14 matrices laid out to run", CommandLine.Run("convert", files.Packed, "-o", run, "--overwrite").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Layer_reports_and_writes_what_the_authors_program_gave()
    {
        string folder = Path.Combine(TestData.Bundled, "reference", "pb-llm");
        ReferenceCase entry = ReferenceCase.In(folder).First(e => e.Flag("gptq") && e.Text("method") == "xnor" && e.Text("salient_metric") == "hessian");
        JsonNode report = CommandLine.Run(
            "layer", entry.FilePath, "--method", "pb-llm", "--low-frac", $"{entry.Number("low_frac"):R}", "--salience", "hessian", "--variant", "released",
            "--group-size", $"{entry.Number("groupsize")}", "--out", files["Q.safetensors"], "--json").Json;
        AssertHas(report, "method", "options", "rows", "columns", "nominalBits", "trueBits", "weightedError", "meanSquaredError", "seconds");
        Assert.Equal(1, (double)report["weightedError"]! / entry.Number("weighted_error"), 1e-4);
        using SafetensorsFile written = SafetensorsFile.Open(files["Q.safetensors"]);
        using SafetensorsFile reference = SafetensorsFile.Open(entry.FilePath);
        Assert.Equal(ReferenceCase.Mask(reference, entry.Text("tensor_mask")), ReferenceCase.Mask(written, "salient"));
        float[] expected = reference.TryFind(entry.Text("tensor_Q"))!.ReadAll();
        float[] actual = written.TryFind("Q")!.ReadAll();
        float largest = expected.Max(MathF.Abs);
        Assert.InRange(expected.Zip(actual).Count(p => MathF.Abs(p.First - p.Second) > 1e-5f * largest), 0, expected.Length / 200);
    }

    [Fact]
    public void Bench_kernels_measures_every_form_and_shape_on_every_number_of_threads()
    {
        JsonNode report = CommandLine.Run("bench", "kernels", "--form", "sign", "rtn4", "--model", TestData.Sample, "--threads", "2,1", "--megabytes", "2", "--exact", "--json").Json;
        AssertHas(report, "kernel", "exact", "megabytes", "rows");
        Assert.True((bool)report["exact"]!);
        string[] expected = [.. from shape in new[] { "384x384", "128x384", "1024x384", "384x1024" } from form in new[] { "sign", "rtn4" } from threads in new[] { 2, 1 } select $"{form} {shape} {threads}"];
        Assert.Equal(expected, report["rows"]!.AsArray().Select(r => $"{(string)r!["form"]!} {(int)r["rows"]!}x{(int)r["columns"]!} {(int)r["threads"]!}"));
        foreach (JsonNode? row in report["rows"]!.AsArray())
        {
            AssertHas(
                row!, "bitsPerWeight", "weightsPerSecond", "bytesPerSecond", "readBytesPerSecond", "share", "denseWeightsPerSecond", "ratio", "promptRows", "promptFlops", "densePromptFlops", "promptRatio");
            Assert.Equal((double)row!["weightsPerSecond"]! * (double)row["bitsPerWeight"]! / 8 / (double)row["readBytesPerSecond"]!, (double)row["share"]!, 1e-9);
            Assert.Equal((double)row["promptFlops"]! / (double)row["densePromptFlops"]!, (double)row["promptRatio"]!, 1e-9);
        }
    }

    [Theory, InlineData(null), InlineData("vector128"), InlineData("scalar")]
    public void Doctor_names_the_kernel_of_dense_and_of_packed_products(string? forced)
    {
        JsonNode report = CommandLine.RunInShell(forced is null ? "unset HALFBIT_KERNEL" : $"export HALFBIT_KERNEL={forced}", "doctor", "--json").Json;
        AssertHas(report, "cpu", "kernels", "packedKernel", "blas");
        string chosen = (string)Assert.Single(report["kernels"]!.AsArray(), k => (bool)k!["chosen"]!)!["name"]!;
        Assert.Equal(forced ?? chosen, chosen);
        Assert.Equal(chosen, (string)report["packedKernel"]!["name"]!);
    }

    private static void AssertHas(JsonNode node, params string[] fields)
    {
        foreach (string field in fields) Assert.True(node.AsObject().ContainsKey(field), $"'{field}' is missing in {node.ToJsonString()[..Math.Min(200, node.ToJsonString().Length)]}");
    }
}
