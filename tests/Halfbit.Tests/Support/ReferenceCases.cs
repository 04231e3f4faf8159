using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Tests.Support;

/// <summary>One entry of a reference manifest with access to its tensors.</summary>
internal sealed record ReferenceCase(string Folder, JsonElement Entry)
{
    public string Text(string field) => Entry.GetProperty(field).GetString()!;

    public double Number(string field) => Entry.GetProperty(field).GetDouble();

    public double? NumberOrNull(string field)
        => Entry.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    public bool Flag(string field) => Entry.GetProperty(field).GetBoolean();

    public string FilePath => Path.Combine(Folder, Text("file"));

    public override string ToString() => $"{Text("case")}/{Text("tensor_Q")}";

    /// <summary>The entries of a folder's manifest.</summary>
    public static IEnumerable<ReferenceCase> In(string folder)
    {
        JsonElement root = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "manifest.json"))).RootElement;
        foreach (JsonElement entry in root.GetProperty("entries").EnumerateArray()) yield return new ReferenceCase(folder, entry.Clone());
    }

    /// <summary>A tensor as a matrix; U8 masks are not matrices, see <see cref="Mask"/>.</summary>
    public static Matrix MatrixOf(SafetensorsFile file, string name)
    {
        MappedTensor tensor = file.TryFind(name) ?? throw new KeyNotFoundException($"{file.Path} has no tensor {name}");
        return new Matrix(tensor.Rows, tensor.Columns, tensor.ReadAll());
    }

    public static byte[] Mask(SafetensorsFile file, string name)
    {
        MappedTensor tensor = file.TryFind(name) ?? throw new KeyNotFoundException($"{file.Path} has no tensor {name}");
        return tensor.Bytes(0, (int)tensor.ByteCount).ToArray();
    }
}
