using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Generation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>Packed models laid out to run, against the same models packed.</summary>
public sealed class RunFolderTests
{
    private static readonly int[] Tokens = [256, 72, 101, 108, 108, 111, 44, 32, 119, 111, 114];

    [Theory]
    [InlineData("sign", "group-size=16", 0)]
    [InlineData("xnor", "", 0)]
    [InlineData("rtn", "bits=3", 0)]
    [InlineData("pb-llm", "salient=0.1", 0)]
    [InlineData("pb-llm", "low=2bit", 0)]
    [InlineData("pb-llm", "low=none", 14)]
    [InlineData("billm", "group-size=16", 0)]
    [InlineData("stbllm", "keep=4:8", 0)]
    [InlineData("arb-llm", "means=on", 0)]
    public void Logits_have_the_bits_of_the_packed_model(string method, string options, int coded)
    {
        using var folder = new TemporaryFolder();
        string packed = Packed(folder, method, options);
        RunFolderReport report = RunFolder.Write(packed, folder["run"]);
        Assert.Equal((14 - coded, coded), (report.LaidOut, report.Coded));
        foreach (ActivationPrecision precision in Enum.GetValues<ActivationPrecision>()) Assert.Equal(Logits(packed, precision).Data, Logits(folder["run"], precision).Data);
        float[] expanded = Logits(packed, null).Data;
        Assert.All(expanded.Zip(Logits(folder["run"], null).Data), p => Assert.Equal(p.First, p.Second, 1e-5f * expanded.Max(MathF.Abs)));

        using ModelFolder run = ModelFolder.Open(folder["run"], ActivationPrecision.EightBits);
        using ModelFolder original = ModelFolder.Open(packed);
        Assert.True(run.Packed!.IsLaidOut);
        Assert.False(original.Packed!.IsLaidOut);
        Assert.Equal(report.TrueBits, run.TrueBits, 1e-9);
        Assert.Equal(report.SourceTrueBits, original.TrueBits, 1e-9);
        Assert.Equal(report.Bytes, Directory.GetFiles(folder["run"], "*.safetensors").Sum(f => new FileInfo(f).Length));
        foreach ((LinearLayer laid, LinearLayer as_is) in run.Decoder.Blocks.SelectMany(b => b.Linears).Zip(original.Decoder.Blocks.SelectMany(b => b.Linears)))
        {
            if (coded > 0)
            {
                Assert.IsType<PackedMatrix>(laid.Weights);
                continue;
            }

            var tiled = (TiledMatrix)laid.Weights;
            Assert.Equal(0, tiled.RecordAddress(0, 0, tiled.Sections[0]) % 64);
            float[] expected = Matrix.Expand(as_is.Weights).Data;
            float largest = expected.Max(MathF.Abs);
            Assert.All(expected.Zip(Matrix.Expand(tiled).Data), p => Assert.Equal(p.First, p.Second, 1e-6f * largest));
        }
    }

    [Fact]
    public void The_sample_generates_the_same_ids_from_either_form()
    {
        using var folder = new TemporaryFolder();
        _ = QuantizationJob.Run(ToyJob.Options(TestData.Sample, folder["packed"], "sign"));
        _ = RunFolder.Write(folder["packed"], folder["run"]);
        Assert.Equal(Ids(folder["packed"]), Ids(folder["run"]));

        static IReadOnlyList<int> Ids(string folder)
        {
            using ModelFolder model = ModelFolder.Open(folder, ActivationPrecision.EightBits);
            return new Generator(model.Decoder).Generate([1, 450, 2030, 767], new GenerationOptions { MaxNewTokens = 24, StopTokens = [] }).Ids;
        }
    }

    [Fact]
    public void A_model_of_one_file_stays_one_and_threads_change_no_byte()
    {
        using var folder = new TemporaryFolder();
        string packed = Packed(folder, "pb-llm", "salient=0.1");
        string single = folder["single"];
        Directory.CreateDirectory(single);
        foreach (string name in (string[])["config.json", "tokenizer.json"]) File.Copy(Path.Combine(packed, name), Path.Combine(single, name));
        using (Checkpoint source = Checkpoint.Open(packed))
        using (var writer = new SafetensorsWriter(Path.Combine(single, Checkpoint.SingleFileName), [.. source.Tensors.Select(t => new TensorDeclaration(t.Name, t.Type, t.Shape))]))
        {
            foreach (MappedTensor tensor in source.Tensors) writer.Copy(tensor);
            writer.Complete();
        }

        foreach (int threads in (int[])[1, 3])
        {
            using var count = new ThreadCount(threads);
            _ = RunFolder.Write(single, folder[$"run{threads}"]);
        }

        FolderBytes.AssertEqual(folder["run1"], folder["run3"]);
        Assert.Equal(["config.json", "halfbit.json", "model.safetensors", "tokenizer.json"], FolderBytes.Of(folder["run1"]).Keys);
        Assert.Equal(Logits(packed, ActivationPrecision.Exact).Data, Logits(folder["run1"], ActivationPrecision.Exact).Data);
    }

    [Fact]
    public void An_existing_folder_is_replaced_on_request_only_and_never_a_foreign_one()
    {
        using var folder = new TemporaryFolder();
        string packed = Packed(folder, "xnor", "");
        _ = RunFolder.Write(packed, folder["run"]);
        SortedDictionary<string, byte[]> before = FolderBytes.Of(folder["run"]);
        Refused(packed, folder["run"], false, "exists already");
        _ = RunFolder.Write(packed, folder["run"], overwrite: true);
        Assert.Equal(before, FolderBytes.Of(folder["run"]));

        Refused(packed, packed, true, "the model");
        Directory.CreateDirectory(folder["foreign"]);
        File.WriteAllText(folder["foreign", "letter.txt"], "dear");
        Refused(packed, folder["foreign"], true, "halfbit.json");
        File.WriteAllText(folder["file"], "dear");
        Refused(packed, folder["file"], true, "is a file");
        Refused(folder["run"], folder["again"], false, "already");
        Refused(folder["model"], folder["again"], false, "not packed");
        Directory.CreateDirectory(folder["again.partial"]);
        Refused(packed, folder["again"], false, "--overwrite");
        Assert.DoesNotContain("--resume", Assert.Throws<PipelineException>(() => RunFolder.Write(packed, folder["again"])).Message, StringComparison.Ordinal);
        Directory.Delete(folder["again.partial"]);
        Assert.Equal(["file", "foreign", "model", "packed", "run"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_is_left_of_a_conversion_that_ends_early()
    {
        using var folder = new TemporaryFolder();
        string packed = Packed(folder, "xnor", "");
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => RunFolder.Write(packed, folder["run"], false, (done, _) => CancelAt(done, 9, source), source.Token));
        Assert.False(Directory.Exists(folder["run"]) || Directory.Exists(folder["run.partial"]));

        static void CancelAt(int done, int last, CancellationTokenSource source)
        {
            if (done == last) source.Cancel();
        }
    }

    [Fact]
    public void Coded_folders_keep_version_1_and_laid_out_ones_are_refused_by_programs_that_know_no_other()
    {
        using var folder = new TemporaryFolder();
        string packed = Packed(folder, "xnor", "");
        _ = RunFolder.Write(packed, folder["run"]);
        Assert.Equal((1, null), Version(packed));
        Assert.Equal((2, "tiles"), Version(folder["run"]));

        static (int Version, string? Layout) Version(string folder)
        {
            JsonNode quantization = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!["quantization_config"]!;
            return ((int)quantization["format_version"]!, (string?)quantization["layout"]);
        }
    }

    private static void Refused(string packed, string output, bool overwrite, string named)
    {
        string message = Assert.Throws<PipelineException>(() => RunFolder.Write(packed, output, overwrite)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    private static string Packed(TemporaryFolder folder, string method, string options)
    {
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        (string, string)[] given = options.Length == 0 ? [] : [(options.Split('=')[0], options.Split('=')[1])];
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["packed"], method, given));
        return folder["packed"];
    }

    private static Matrix Logits(string folder, ActivationPrecision? precision)
    {
        using ModelFolder model = ModelFolder.Open(folder, precision);
        return model.Decoder.Logits(Tokens);
    }
}
