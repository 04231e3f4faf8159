using System.Text.Json.Nodes;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>A toy model, its quantized form and some texts, made once for all tests of the command line.</summary>
public sealed class CliFixture : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public CliFixture()
    {
        Model = ToyCheckpoint.Llama().Write(folder["model"]);
        Text = this["text.txt"];
        File.WriteAllText(Text, ToyCheckpoint.Text(600));
        Packed = this["packed"];
        QuantizeReport = Quantize("--samples", "3", "--seq-len", "24", "--calibration", Text, "--json").Json;
    }

    public string Model { get; }

    public string Packed { get; }

    public string Text { get; }

    internal JsonNode QuantizeReport { get; }

    public string this[params string[] parts] => folder[parts];

    public void Dispose() => folder.Dispose();

    private CommandResult Quantize(params string[] more) => CommandLine.Run(["quantize", Model, "-o", Packed, "--method", "pb-llm", "--salient", "0.1", .. more]);
}
