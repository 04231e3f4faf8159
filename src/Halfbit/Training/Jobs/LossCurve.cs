using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Halfbit.Checkpoints;
using Halfbit.Reports;

namespace Halfbit.Training;

/// <summary>The course of a training as a drawing: the loss of each step, its running mean, and the perplexities measured on the way.</summary>
internal static class LossCurve
{
    /// <summary>Name of the drawing's file.</summary>
    public const string FileName = "loss.svg";

    private const double Width = 880;
    private const double Height = 420;
    private const double Left = 72;
    private const double Right = 72;
    private const double Top = 24;
    private const double Bottom = 52;
    private const string Style = """
        text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.axis{stroke:#888}.raw{fill:none;stroke:#9bbbe0}.mean{fill:none;stroke:#1f5fa8;stroke-width:2}
        .perplexity{fill:none;stroke:#b4540a;stroke-width:2}.mark{fill:#b4540a}.axis-title{font-weight:600}
        """;

    /// <summary>Draws the curve of a run.</summary>
    /// <param name="metrics">The lines of its steps, <see cref="TrainingLog"/>.</param>
    /// <param name="path">The drawing.</param>
    /// <param name="last">Perplexity of the written model; null: not measured.</param>
    public static void Write(string metrics, string path, double? last)
    {
        JsonObject[] lines = [.. TrainingLog.Read(metrics)];
        (double Step, double Value)[] losses = [.. lines.Select(l => ((double)(int)l["step"]!, ValueOf(l, "loss"))).Where(p => double.IsFinite(p.Item2))];
        if (losses.Length == 0) return;
        List<(double Step, double Value)> measured = [.. lines.Where(l => l["perplexity"] is not null).Select(l => ((double)(int)l["step"]!, ValueOf(l, "perplexity"))).Where(p => double.IsFinite(p.Item2))];
        if (last is double value && double.IsFinite(value)) measured.Add((losses[^1].Step, value));
        var drawing = new XElement(
            XName.Get("svg", "http://www.w3.org/2000/svg"),
            new XAttribute("viewBox", FormattableString.Invariant($"0 0 {Width} {Height}")),
            new XAttribute("role", "img"),
            new XElement("title", "Loss and perplexity by step"),
            new XElement("style", Style),
            new XElement("rect", new XAttribute("width", Width), new XAttribute("height", Height), new XAttribute("fill", "#fff")),
            Curves(losses, measured));
        AtomicFile.WriteText(path, WithNamespace(drawing).ToString() + "\n");
    }

    private static IEnumerable<XElement> Curves((double Step, double Value)[] losses, List<(double Step, double Value)> measured)
    {
        var steps = new Scale(0, Math.Max(1, losses[^1].Step), Left, Width - Right, IsLogarithmic: false);
        (double Step, double Value)[] means = RunningMean(losses);
        var axes = new Axes(steps, Scale.Around([.. losses.Select(l => l.Value)], Height - Bottom, Top, isLogarithmic: false));
        foreach (XElement element in axes.Horizontal(8, "step", isWhole: true).Concat(axes.Vertical(6, "loss, nats per token"))) yield return element;
        yield return Svg.Path("raw", Line(losses, axes.X, axes.Y));
        yield return Svg.Path("mean", Line(means, axes.X, axes.Y));
        if (measured.Count == 0) yield break;
        Scale right = Scale.Around([.. measured.Select(m => m.Value)], Height - Bottom, Top, isLogarithmic: false);
        yield return Svg.Path("perplexity", Line(measured, axes.X, right));
        foreach ((double step, double value) in measured)
        {
            XElement mark = new("circle", new XAttribute("class", "mark"), new XAttribute("cx", Svg.Number(axes.X.At(step))), new XAttribute("cy", Svg.Number(right.At(value))), new XAttribute("r", 3));
            yield return Svg.Group("point", string.Create(CultureInfo.InvariantCulture, $"step {step:F0}: perplexity {value:F3}"), mark);
        }

        foreach (double tick in right.Ticks(6)) yield return Svg.Text("tick", Width - Right + 6, right.At(tick) + 4, Ticks.Text(tick));
        yield return Svg.TextUpwards("axis-title", Width - 12, Height / 2, "perplexity");
    }

    /// <summary>Means over a fiftieth of the steps before each.</summary>
    private static (double Step, double Value)[] RunningMean((double Step, double Value)[] losses)
    {
        int window = Math.Max(1, losses.Length / 50);
        return [.. losses.Select((l, i) => (l.Step, losses[Math.Max(0, i - window + 1)..(i + 1)].Average(p => p.Value)))];
    }

    private static string Line(IEnumerable<(double Step, double Value)> points, Scale x, Scale y)
        => "M" + string.Join('L', points.Select(p => $"{Svg.Number(x.At(p.Step))} {Svg.Number(y.At(p.Value))}"));

    private static double ValueOf(JsonObject line, string name) => line[name] is JsonValue value && value.TryGetValue(out double number) ? number : double.NaN;

    /// <summary>A drawing that stands alone needs the namespace on every element.</summary>
    private static XElement WithNamespace(XElement element)
        => new(XName.Get(element.Name.LocalName, "http://www.w3.org/2000/svg"), element.Attributes(), element.Nodes().Select(n => n is XElement child ? (object)WithNamespace(child) : n));
}
