using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Halfbit.Checkpoints;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>Wrong usage ends with 2, failures with 1; each with one line on standard error that says what and where.</summary>
public sealed class FailureTests(CliFixture files) : IClassFixture<CliFixture>
{
    [Theory]
    [InlineData("bogus", "bogus")]
    [InlineData("", "command")]
    [InlineData("quantize", "required")]
    [InlineData("quantize MODEL -o OUT", "--method")]
    [InlineData("convert PACKED", "required")]
    [InlineData("convert PACKED -o OUT --threads 0", "--threads")]
    [InlineData("quantize MODEL -o OUT --method pbllm", "pbllm")]
    [InlineData("quantize MODEL -o OUT --method xnor --nonsense", "--nonsense")]
    [InlineData("quantize MODEL -o OUT --method xnor --bits 3", "--bits")]
    [InlineData("quantize MODEL -o OUT --method gptq --bits 12", "1 to 8")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --salient lots", "lots")]
    [InlineData("quantize MODEL -o OUT --method stbllm --keep 9:8", "9:8")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --samples 0", "--samples")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --samples many", "many")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --seq-len 1", "--seq-len")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --seed -1", "--seed")]
    [InlineData("quantize MODEL -o OUT --method xnor --threads 0", "--threads")]
    [InlineData("eval MODEL", "--perplexity")]
    [InlineData("eval --perplexity TEXT", "MODEL is missing")]
    [InlineData("eval --tasks piqa", "MODEL is missing")]
    [InlineData("eval MODEL --tasks ,", "--tasks names no task; known are boolq, piqa, ")]
    [InlineData("eval MODEL --tasks piqa --limit 0", "--limit")]
    [InlineData("eval MODEL --tasks piqa --shots -1", "--shots")]
    [InlineData("eval MODEL --tasks piqa --max-length 0", "--max-length")]
    [InlineData("eval MODEL --tasks piqa --bos maybe", "maybe")]
    [InlineData("eval MODEL --tasks piqa --harness 0.4", "0.4")]
    [InlineData("eval MODEL --tasks piqa --resume", "--resume needs the --output")]
    [InlineData("eval MODEL --perplexity TEXT --resume", "--resume goes on with the answers to tasks")]
    [InlineData("eval MODEL --perplexity TEXT --window 1", "--window")]
    [InlineData("generate MODEL", "generate")]
    [InlineData("generate MODEL hello -n 0", "-n")]
    [InlineData("generate MODEL hello --temperature -1", "temperature")]
    [InlineData("generate MODEL hello --top-p 2", "p")]
    [InlineData("logits MODEL --tokens 1,x", "--tokens")]
    [InlineData("logits MODEL --tokens 1,2 --positions 2", "--positions")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --samples 99999999", "--samples")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --seed 99999999999999", "--seed")]
    [InlineData("logits MODEL --tokens 1,,2", "--tokens")]
    [InlineData("tokenize MODEL", "--decode")]
    [InlineData("layer TEXT --method magic", "magic")]
    [InlineData("bench kernels --form foo", "'foo' is unknown; known are xnor, sign, 4:8, ")]
    [InlineData("bench kernels --form sign foo", "'foo'")]
    [InlineData("bench kernels --shape 4096", "4096x4096")]
    [InlineData("bench kernels --shape 0x8", "0x8")]
    [InlineData("bench kernels --shape 100000x100000", "2^28")]
    [InlineData("bench kernels --shape 8x8 --model MODEL", "--model")]
    [InlineData("bench kernels --threads 0", "--threads")]
    [InlineData("bench kernels --threads 1,many", "many")]
    [InlineData("bench kernels --megabytes 1", "--megabytes")]
    [InlineData("bench generate --batch 0", "--batch is '0', expected numbers from 1 to 256")]
    [InlineData("bench generate --prompt 4094", "4126 tokens, the model has room for 4094")]
    public void Wrong_usage_ends_with_2(string line, string named)
    {
        Assert.Contains(named, Run(line).Failure(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files["out"]) || Directory.Exists(files["out.partial"]));
    }

    [Theory]
    [InlineData("quantize /no/such/folder -o OUT --method xnor", "/no/such/folder")]
    [InlineData("eval /no/such/folder --perplexity TEXT", "/no/such/folder")]
    [InlineData("generate /no/such/folder hello", "/no/such/folder")]
    [InlineData("logits /no/such/folder --tokens 1", "/no/such/folder")]
    [InlineData("tokenize /no/such/folder hello", "/no/such/folder")]
    [InlineData("inspect /no/such/folder", "/no/such/folder")]
    [InlineData("layer /no/such/file --method xnor", "/no/such/file")]
    [InlineData("eval MODEL --perplexity /no/such/text", "/no/such/text")]
    [InlineData("eval MODEL --tasks piqua", "task 'piqua' is unknown; known are boolq, piqa, hellaswag, ")]
    [InlineData("eval MODEL --tasks piqa --tasks-dir /no/such/folder", "/no/such/folder: no such folder")]
    [InlineData("eval MODEL --tasks piqa --tasks-dir MODEL", "get PIQA (yonatanbisk.com/piqa)")]
    [InlineData("eval MODEL --tasks /no/such/task.json", "/no/such/task.json: no such file")]
    [InlineData("eval MODEL --perplexity TEXT --output /no/such/folder/results.json", "/no/such/folder")]
    [InlineData("compare MODEL --methods rtn --perplexity TEXT --tasks piqa --tasks-dir MODEL", "get PIQA (yonatanbisk.com/piqa)")]
    [InlineData("eval MODEL --perplexity TEXT --reference /no/such/folder", "/no/such/folder")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --calibration /no/such/text", "/no/such/text")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --calibration /dev/null --seq-len 24", "/dev/null")]
    [InlineData("quantize MODEL -o OUT --method pb-llm --seq-len 65", "64")]
    [InlineData("quantize MODEL -o PACKED --method xnor", "exists already")]
    [InlineData("quantize MODEL -o MODEL --method xnor --overwrite", "the model")]
    [InlineData("quantize PACKED -o OUT --method xnor", "quantized already")]
    [InlineData("convert /no/such/folder -o OUT", "/no/such/folder")]
    [InlineData("convert MODEL -o OUT", "not packed")]
    [InlineData("convert PACKED -o MODEL", "exists already")]
    [InlineData("convert PACKED -o PACKED --overwrite", "the model")]
    [InlineData("convert PACKED -o /dev/null", "/dev/null")]
    [InlineData("quantize MODEL -o /proc/halfbit/out --method xnor", "cannot be made")]
    [InlineData("quantize MODEL -o /dev/null --method xnor --overwrite", "/dev/null")]
    [InlineData("layer LAYER --method xnor --out /dev/halfbit-test", "/dev/halfbit-test")]
    [InlineData("logits MODEL --tokens 1,99999", "99999")]
    [InlineData("tokenize MODEL --decode 99999", "99999")]
    [InlineData("tokenize MODEL --file /no/such/text", "/no/such/text")]
    [InlineData("bench kernels --model /no/such/folder", "/no/such/folder")]
    public void Failures_end_with_1(string line, string named)
    {
        Assert.Contains(named, Run(line).Failure(1), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files["out"]) || Directory.Exists(files["out.partial"]));
        Assert.True(File.Exists(Path.Combine(files.Model, "model.safetensors")));
    }

    [Theory]
    [InlineData("halved", "truncated")]
    [InlineData("emptied", "truncated")]
    [InlineData("length flipped", "header length")]
    [InlineData("header flipped", "header")]
    [InlineData("architecture", "gpt-neox")]
    [InlineData("no config", "config.json")]
    [InlineData("config no json", "config.json")]
    [InlineData("wrong size", "implies")]
    [InlineData("NaN", "NaN")]
    [InlineData("pickle", "safetensors")]
    public void Damaged_models_are_refused(string damage, string named)
    {
        string model = files["damaged " + damage];
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        if (damage == "architecture") toy.Config["model_type"] = "gpt-neox";
        if (damage == "wrong size") toy.Config["intermediate_size"] = 96;
        if (damage == "NaN") toy.Values("model.layers.0.mlp.gate_proj.weight")[33] = float.NaN;
        toy.Write(model);
        string weights = Path.Combine(model, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        switch (damage)
        {
            case "halved": File.WriteAllBytes(weights, bytes[..(bytes.Length / 2)]); break;
            case "emptied": File.WriteAllBytes(weights, []); break;
            case "length flipped":
                bytes[6] ^= 0x40;
                File.WriteAllBytes(weights, bytes);
                break;
            case "header flipped":
                bytes[200] ^= 0x80;
                File.WriteAllBytes(weights, bytes);
                break;
            case "no config": File.Delete(Path.Combine(model, "config.json")); break;
            case "config no json": File.WriteAllText(Path.Combine(model, "config.json"), "{\"model_type\": "); break;
            case "pickle": File.Move(weights, Path.Combine(model, "pytorch_model.bin")); break;
        }

        Assert.Contains(named, Run($"quantize DAMAGED -o OUT --method pb-llm --seq-len 24 --samples 2", model).Failure(1), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files["out"]) || Directory.Exists(files["out.partial"]));
        if (damage != "NaN") _ = Run("inspect DAMAGED", model).Failure(1);
    }

    [Fact]
    public void A_damaged_packed_model_is_refused()
    {
        string copy = files["packed copy"];
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(files.Packed)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        string block = Path.Combine(copy, "model-00002-of-00003.safetensors");
        byte[] bytes = File.ReadAllBytes(block);
        long header = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        bytes[8 + header + 300] ^= 1;
        File.WriteAllBytes(block, bytes);
        Assert.Contains("model-00002-of-00003", Run("eval DAMAGED --perplexity TEXT --window 32", copy).Failure(1), StringComparison.Ordinal);
        File.Delete(block);
        Assert.Contains("model-00002-of-00003", Run("generate DAMAGED hello", copy).Failure(1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no W", "xnor", "'W'")]
    [InlineData("no H", "pb-llm", "'H'")]
    [InlineData("H not square", "pb-llm", "[8, 9]")]
    [InlineData("H too small", "gptq", "[7, 7]")]
    [InlineData("W of one dimension", "xnor", "[32]")]
    [InlineData("W empty", "xnor", "[0, 8]")]
    [InlineData("W with NaN", "xnor", "[1, 3]")]
    [InlineData("H with NaN", "gptq", "'H'")]
    [InlineData("H not positive definite", "gptq", "--damping")]
    public void Layer_files_that_cannot_be_used_are_refused(string fault, string method, string named)
    {
        ToyLayer layer = ToyLayer.Create(4, 8, seed: 1);
        if (fault == "W with NaN") layer.W[1, 3] = float.NaN;
        if (fault == "H with NaN") layer.H[2, 5] = float.NaN;
        if (fault == "H not positive definite") layer.H[2, 5] = layer.H[5, 2] = 1e6f;
        long[] shapeW = fault switch { "W of one dimension" => [32], "W empty" => [0, 8], _ => [4, 8] };
        long[] shapeH = fault switch { "H not square" => [8, 9], "H too small" => [7, 7], _ => [8, 8] };
        string path = files[fault + ".safetensors"];
        var tensors = new List<(string Name, long[] Shape, float[] Values)>();
        if (fault != "no W") tensors.Add(("W", shapeW, layer.W.Data));
        if (fault != "no H") tensors.Add(("H", shapeH, layer.H.Data));
        using (var writer = new SafetensorsWriter(path, [.. tensors.Select(t => new TensorDeclaration(t.Name, ElementType.F32, t.Shape))]))
        {
            foreach ((_, long[] shape, float[] values) in tensors)
            {
                int count = (int)shape.Aggregate(1L, (p, d) => p * d);
                writer.Write(MemoryMarshal.AsBytes<float>([.. values, .. new float[80]]).Slice(0, 4 * count));
            }

            writer.Complete();
        }

        Assert.Contains(named, CommandLine.Run("layer", path, "--method", method, "--out", files["Q2.safetensors"]).Failure(1), StringComparison.Ordinal);
        Assert.False(File.Exists(files["Q2.safetensors"]));
    }

    [Fact]
    public void Layer_does_not_write_over_its_input()
    {
        string path = files["input.safetensors"];
        File.Copy(Directory.GetFiles(Path.Combine(TestData.Bundled, "reference", "pb-llm"), "*.safetensors")[0], path);
        byte[] before = File.ReadAllBytes(path);
        _ = CommandLine.Run("layer", path, "--method", "xnor", "--out", path).Failure(2);
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Theory, InlineData("--help"), InlineData("quantize --help"), InlineData("eval --help"), InlineData("convert --help"), InlineData("generate --help"), InlineData("layer --help")]
    public void Help_shows_an_example(string line)
    {
        CommandResult result = Run(line);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Example:", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    private CommandResult Run(string line, string? damaged = null)
        => CommandLine.Run([.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word switch
        {
            "MODEL" => files.Model,
            "PACKED" => files.Packed,
            "TEXT" => files.Text,
            "OUT" => files["out"],
            "LAYER" => Directory.GetFiles(Path.Combine(TestData.Bundled, "reference", "pb-llm"), "*.safetensors")[0],
            "DAMAGED" => damaged!,
            _ => word,
        })]);
}
