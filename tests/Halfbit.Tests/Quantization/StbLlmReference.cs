using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>STBLLM's reference layers: made by the authors' functions, see the notes beside them.</summary>
internal static class StbLlmReference
{
    public static string Folder => TestData.SharedPath("reference", "stbllm");

    /// <summary>Names of all entries, or of those of a kind (stbllm-release, stbllm-derived-sparse); empty where the data are absent.</summary>
    public static TheoryData<string> Names(string? kind = null)
        => TestData.Shared is null ? [] : [.. ReferenceCase.In(Folder).Where(e => kind is null || e.Text("method") == kind).Select(e => e.ToString())];

    public static ReferenceCase Find(string name) => ReferenceCase.In(Folder).Single(e => e.ToString() == name);

    public static JsonElement Pieces() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "pieces-manifest.json"))).RootElement;

    public static float[] Vector(SafetensorsFile file, string name) => file.TryFind(name)!.ReadAll();

    /// <summary>The keep mask packed at a bit of <c>keep_packed</c>.</summary>
    public static bool[] Keep(SafetensorsFile file, int bit) => [.. Vector(file, "keep_packed").Select(v => ((int)v >> bit & 1) != 0)];

    /// <summary>The groups packed at a base-4 digit of <c>groups_packed</c>.</summary>
    public static byte[] Groups(SafetensorsFile file, int digit) => [.. Vector(file, "groups_packed").Select(v => (byte)((int)v >> (2 * digit) & 3))];

    public static NOfM Pattern(ReferenceCase entry)
    {
        JsonElement parameters = entry.Entry.GetProperty("params");
        return new NOfM(parameters.GetProperty("n_keep").GetInt32(), parameters.GetProperty("m").GetInt32());
    }

    public static bool[] Flags(BitMatrix mask)
    {
        var flags = new bool[mask.Rows * mask.Columns];
        for (int k = 0; k < flags.Length; k++) flags[k] = mask[k / mask.Columns, k % mask.Columns];
        return flags;
    }
}
