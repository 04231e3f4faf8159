using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Pipeline;

/// <summary>What every model folder has besides its weights.</summary>
internal static class ModelFiles
{
    private static readonly string[] TokenizerFiles =
    [
        "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
    ];

    /// <summary>Texts of a weights file.</summary>
    public static IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };

    /// <summary>Copies tokenizer, chat template and generation settings, as far as they are there.</summary>
    public static void CopyTokenizer(string source, string folder)
    {
        foreach (string name in TokenizerFiles)
        {
            string original = Path.Combine(source, name);
            if (File.Exists(original)) AtomicFile.WriteBytes(Path.Combine(folder, name), File.ReadAllBytes(original));
        }
    }

    /// <summary>Writes the index of several weights files.</summary>
    /// <param name="folder">Their folder.</param>
    /// <param name="paths">The files.</param>
    public static void WriteIndex(string folder, IEnumerable<string> paths)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        long total = 0;
        foreach (string path in paths)
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            foreach (MappedTensor tensor in file.Tensors)
            {
                map.Add(tensor.Name, Path.GetFileName(path));
                total += tensor.ByteCount;
            }
        }

        var weightMap = new JsonObject();
        foreach ((string name, string file) in map) weightMap[name] = file;
        var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = weightMap };
        AtomicFile.WriteText(Path.Combine(folder, Checkpoint.IndexFileName), JobRecord.Text(index));
    }
}
