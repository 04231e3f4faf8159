using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Packing;
using Halfbit.Pipeline;

namespace Halfbit.Cli;

/// <summary>halfbit inspect: what is in a checkpoint.</summary>
internal static class InspectCommand
{
    /// <summary>One tensor as it is stored.</summary>
    private sealed record Row(string Name, IReadOnlyList<long> Shape, string Format, long Bytes, bool IsLinear, IReadOnlyList<PackedSection> Sections)
    {
        public long Elements => Shape.Aggregate(1L, (product, d) => product * d);

        public double TrueBits => Elements == 0 ? 0 : 8.0 * Bytes / Elements;
    }

    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("inspect", SharedOptions.WithExample(
            "Lists the tensors of a checkpoint with their formats and true bits",
            "halfbit inspect samples/llama-13m"))
        {
            model, json,
        };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            using ModelFolder folder = ModelFolder.Open(parsed.GetValue(model)!);
            Run(folder, parsed.GetValue(json));
            return Failure.None;
        }));
        return command;
    }

    private static void Run(ModelFolder folder, bool asJson)
    {
        Dictionary<string, LinearLayer> linears = folder.Decoder.Blocks.SelectMany(b => b.Linears).ToDictionary(l => l.Name + ".weight", StringComparer.Ordinal);
        List<Row> rows = [.. folder.Checkpoint.Tensors.Select(t => RowOf(t, linears.GetValueOrDefault(t.Name)))];
        string architecture = folder.Decoder.Config.ModelType;
        long parameters = rows.Sum(r => r.Elements);
        List<Row> quantizable = [.. rows.Where(r => r.IsLinear)];
        double trueBits = 8.0 * quantizable.Sum(r => r.Bytes) / quantizable.Sum(r => r.Elements);
        if (asJson)
        {
            JsonOutput.Write(new JsonObject
            {
                ["architecture"] = architecture,
                ["parameters"] = parameters,
                ["bytes"] = folder.Checkpoint.ByteCount,
                ["trueBits"] = trueBits,
                ["packed"] = folder.Packed is not null,
                ["tensors"] = JsonOutput.Array(rows.Select(ToJson)),
            });
            return;
        }

        Console.WriteLine(FormattableString.Invariant($"{folder.Checkpoint.Folder}: {architecture}, {parameters:N0} parameters, {folder.Checkpoint.ByteCount:N0} bytes in {folder.Checkpoint.Files.Count} weights files"));
        Console.WriteLine(FormattableString.Invariant($"linear layers of the blocks: {quantizable.Sum(r => r.Elements):N0} weights, {trueBits:F3} true bits per weight"));
        int width = rows.Max(r => r.Name.Length);
        Console.WriteLine();
        Console.WriteLine("tensor".PadRight(width) + "  shape            bits/weight         bytes  format");
        foreach (Row row in rows)
        {
            string shape = "[" + string.Join(", ", row.Shape) + "]";
            Console.WriteLine(FormattableString.Invariant($"{row.Name.PadRight(width)}  {shape,-15}  {row.TrueBits,11:F3}  {row.Bytes,12}  {row.Format}"));
        }
    }

    private static Row RowOf(MappedTensor tensor, LinearLayer? layer)
    {
        if (layer?.Weights is PackedMatrix packed)
            return new Row(tensor.Name, [packed.Rows, packed.Columns], packed.Format, tensor.StoredBytes, true, packed.Sections);
        if (layer?.Weights is TiledMatrix tiled) return new Row(tensor.Name, [tiled.Rows, tiled.Columns], tiled.Format, tensor.StoredBytes, true, []);
        return new Row(tensor.Name, tensor.Shape, tensor.Type.ToString(), tensor.StoredBytes, layer is not null, []);
    }

    private static JsonObject ToJson(Row row)
    {
        var json = new JsonObject
        {
            ["name"] = row.Name,
            ["shape"] = JsonOutput.Array(row.Shape.Select(d => (JsonNode?)d)),
            ["format"] = row.Format,
            ["bytes"] = row.Bytes,
            ["trueBits"] = row.TrueBits,
        };
        if (row.Sections.Count > 0)
            json["sections"] = JsonOutput.Array(row.Sections.Select(s => new JsonObject { ["name"] = s.Name, ["bytes"] = s.ByteCount }));
        return json;
    }
}
