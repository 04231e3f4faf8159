using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Halfbit.Reports;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Reports;

public sealed partial class ComparisonReportTests
{
    private const int Contestants = 7;

    [Fact]
    public void The_page_needs_nothing_else()
    {
        string html = ComparisonReport.ToHtml(ToyComparison.Usual());
        Assert.StartsWith("<!DOCTYPE html>\n<html lang=\"en\">", html, StringComparison.Ordinal);
        foreach (string forbidden in (string[])["http", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe", "<img"])
            Assert.DoesNotContain(forbidden, html, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_page_is_the_same_to_readers_of_HTML_and_of_XML()
    {
        string html = ComparisonReport.ToHtml(ToyComparison.Usual());
        _ = Page(html);
        // HTML knows no empty elements but these; a closed <div/> would stay open.
        Assert.All(EmptyElement().Matches(html), m => Assert.Contains(m.Groups[1].Value, (string[])["meta", "line", "rect", "path"]));
        string style = StyleText().Match(html).Groups[1].Value; // HTML takes its text as it stands
        Assert.Contains("prefers-color-scheme: dark", style, StringComparison.Ordinal);
        Assert.DoesNotContain('&', style);
        Assert.DoesNotContain('>', style);
    }

    [Fact]
    public void Each_method_has_one_mark_in_each_plot_and_one_row_in_each_table()
    {
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Usual()));
        Assert.Equal(["quality", "bits", "errors", "cost"], page.Descendants("figure").Select(f => ((string)f.Attribute("aria-labelledby")!).Split('-')[0]));
        Assert.Equal(Contestants, Count(Drawing(page, "quality"), "path", "mark"));
        Assert.Equal(1, Count(Drawing(page, "quality"), "path", "front"));
        Assert.Equal(1, Count(Drawing(page, "quality"), "line", "floor"));
        Assert.Equal(Contestants, Count(Drawing(page, "bits"), "path", "mark"));
        Assert.Equal(Contestants, Count(Drawing(page, "bits"), "path", "hollow"));
        Assert.Equal(2 * Contestants, Count(Drawing(page, "cost"), "rect", "bar"));
        Assert.Equal(7 * Contestants, Count(Drawing(page, "errors"), "path", "line"));
        Assert.Equal(7 * 6 * Contestants, Count(Drawing(page, "errors"), "path", "mark"));
        Assert.Equal(Contestants + 1, Rows(page.Descendants("table").First()).Count());
        Assert.Equal(Contestants + 1, Rows(Figure(page, "quality")).Count());
        Assert.Equal(Contestants, Rows(Figure(page, "bits")).Count());
        Assert.Equal((7 * 6) + 1, Rows(Figure(page, "errors")).Count());
        Assert.Equal(Contestants, Rows(Figure(page, "cost")).Count());
    }

    [Fact]
    public void A_method_looks_the_same_in_all_plots_and_unlike_the_others()
    {
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Usual()));
        string[] quality = [.. Marks(Drawing(page, "quality")).Select(Look)];
        Assert.Equal(quality, Marks(Drawing(page, "bits")).Select(Look));
        Assert.Equal(quality, page.Descendants("table").First().Descendants("path").Select(Look));
        Assert.Equal(Contestants, quality.Distinct().Count());
        Assert.Equal(Contestants, quality.Select(look => look.Split('|')[1]).Distinct().Count()); // by shape alone
        Assert.Equal(56, Enumerable.Range(0, 60).Select(k => Look(new SeriesStyle(k).Mark(0, 0, 5))).Distinct().Count());
    }

    [Fact]
    public void Marks_stand_where_their_numbers_say()
    {
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Usual()));
        ComparisonRow[] rows = [.. ToyComparison.Usual().Rows.Skip(1)];
        (double X, double Y)[] marks = [.. Marks(Drawing(page, "quality")).Select(Centre)];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int j = 0; j < rows.Length; j++)
            {
                if (rows[i].TrueBits < rows[j].TrueBits - 0.02) Assert.True(marks[i].X < marks[j].X, $"{rows[i].Name}, {rows[j].Name}");
                if (rows[i].Perplexity < rows[j].Perplexity - 0.5) Assert.True(marks[i].Y > marks[j].Y, $"{rows[i].Name}, {rows[j].Name}");
            }
        }

        // The grid lines name two values; a mark lies between them as its value does.
        XElement drawing = Drawing(page, "quality");
        (double Place, double Value)[] ticks = [.. drawing.Elements("text").Where(t => Has(t, "tick") && (string)t.Attribute("text-anchor")! == "middle")
            .Select(t => (Number(t, "x"), double.Parse(t.Value, CultureInfo.InvariantCulture)))];
        (double Place, double Value) first = ticks[0];
        (double Place, double Value) last = ticks[^1];
        for (int i = 0; i < rows.Length; i++)
            Assert.Equal(first.Place + ((rows[i].TrueBits - first.Value) / (last.Value - first.Value) * (last.Place - first.Place)), marks[i].X, 0.6);
    }

    [Theory, InlineData(1), InlineData(3), InlineData(7), InlineData(30)]
    public void Nothing_is_drawn_outside_its_drawing(int count)
    {
        var random = new Random(count);
        ComparisonRow[] rows = [.. Enumerable.Range(0, count).Select(k => ToyComparison.Row($"a method with a rather long name, number {k}", 1 + (3 * random.NextDouble()), 40 * Math.Exp(random.NextDouble() * 6)))];
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Of([ToyComparison.Row("original", 16, 35), .. rows])));
        foreach (string id in (string[])["quality", "bits", "errors", "cost"])
        {
            XElement drawing = Drawing(page, id);
            double[] box = [.. ((string)drawing.Attribute("viewBox")!).Split(' ').Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
            foreach (XElement element in drawing.Descendants())
            {
                foreach (string name in (string[])["x", "x1", "x2"]) if (element.Attribute(name) is not null) Assert.InRange(Number(element, name), 0, box[2]);
                foreach (string name in (string[])["y", "y1", "y2"]) if (element.Attribute(name) is not null) Assert.InRange(Number(element, name), 0, box[3]);
                if (element.Name == "rect") Assert.InRange(Number(element, "x") + Number(element, "width"), 0, box[2]);
                if (Has(element, "mark")) Assert.True(Centre(element) is { X: > 0, Y: > 0 } c && c.X < box[2] && c.Y < box[3], element.ToString());
                Assert.DoesNotContain("NaN", element.ToString(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Every_plot_tells_its_content_to_those_who_cannot_see_it()
    {
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Usual()));
        HashSet<string> ids = [.. page.Descendants().Select(e => (string?)e.Attribute("id")).OfType<string>()];
        Assert.Equal(page.Descendants().Count(e => e.Attribute("id") is not null), ids.Count);
        foreach (XElement figure in page.Descendants("figure"))
        {
            XElement drawing = figure.Elements("div").Single(d => d.Element("svg") is not null).Element("svg")!;
            Assert.Equal("img", (string)drawing.Attribute("role")!);
            Assert.All(((string)drawing.Attribute("aria-labelledby")!).Split(' '), id => Assert.Contains(id, ids));
            Assert.All((string[])["title", "desc"], name => Assert.False(string.IsNullOrWhiteSpace(drawing.Element(name)!.Value)));
            Assert.Contains(drawing.Descendants("text"), t => Has(t, "axis-title"));
            Assert.NotNull(figure.Element("details")!.Descendants("caption").Single());
        }

        // Every other drawing repeats what stands beside it.
        Assert.All(page.Descendants("svg").Where(s => (string?)s.Attribute("role") != "img"), s => Assert.Equal("true", (string)s.Attribute("aria-hidden")!));
        Assert.All(page.Descendants("th"), th => Assert.Contains((string)th.Attribute("scope")!, (string[])["row", "col"]));
    }

    [Fact]
    public void Tables_hold_the_numbers()
    {
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Usual()));
        string[] cells = [.. Rows(page.Descendants("table").First()).Single(r => r.Element("th")!.Value.Trim() == "gptq --bits 2").Elements("td").Select(c => c.Value)];
        Assert.Equal(["2.000", "2.145", "8.6", "46.89", "0.1589", "50.0", "4.7", "321", "yes"], cells);
        Assert.Equal(["40.33", "–"], Rows(page.Descendants("table").First()).First().Elements("td").Select(c => c.Value).Where((_, k) => k is 3 or 6));
    }

    [Fact]
    public void Text_from_outside_stays_text()
    {
        const string Hostile = "<script>alert(\"1\")</script> & 'x' \u0001\uD800 ]]> 𝛼";
        ComparisonResult result = ToyComparison.Of(
            ToyComparison.Row("original", 16, 35),
            ToyComparison.Row(Hostile, 2, 40),
            new ComparisonRow("broken <b>", "gptq", new Dictionary<string, string> { ["<key>"] = "&value;" }) { Error = "H[3, 3] is <NaN> & more" }) with { Model = "a/<model> & co", Calibration = "\"<text>\"", };
        string html = ComparisonReport.ToHtml(result);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u0001', html);
        XElement page = Page(html);
        Assert.Contains(page.Descendants("th"), th => th.Value.Trim() == "<script>alert(\"1\")</script> & 'x' \uFFFD\uFFFD ]]> 𝛼");
        Assert.Contains("H[3, 3] is <NaN> & more", Rows(page.Descendants("table").First()).Last().Value, StringComparison.Ordinal);
        Assert.StartsWith("<model> & co", page.Descendants("h1").Single().Value, StringComparison.Ordinal);
        _ = new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(html);
    }

    [Fact]
    public void What_cannot_be_drawn_is_left_out_and_said()
    {
        ComparisonRow failed = new("gptq", "gptq", ToyComparison.NoOptions) { Error = "not positive definite" };
        XElement none = Page(ComparisonReport.ToHtml(ToyComparison.Of(ToyComparison.Row("original", 16, 35), failed)));
        Assert.Empty(none.Descendants("figure"));
        Assert.Contains("not positive definite", none.Value, StringComparison.Ordinal);

        ComparisonRow infinite = ToyComparison.Row("infinite", 2, double.PositiveInfinity) with { PeakMemoryBytes = null, HasWeightedErrors = false };
        XElement page = Page(ComparisonReport.ToHtml(ToyComparison.Of(ToyComparison.Row("original", 16, 35) with { PeakMemoryBytes = null }, failed, infinite) with { PeakMemoryNote = "no such system" }));
        Assert.Equal(["bits", "errors", "cost"], page.Descendants("figure").Select(f => ((string)f.Attribute("aria-labelledby")!).Split('-')[0]));
        Assert.Contains("not finite", page.Value, StringComparison.Ordinal);
        Assert.Contains("no such system", page.Value, StringComparison.Ordinal);
        Assert.Contains("infinite (not weighted)", page.Value, StringComparison.Ordinal);
        Assert.Equal(1, Count(Drawing(page, "cost"), "rect", "bar"));
    }

    [Fact]
    public void Colours_stand_out_from_the_paper_in_light_and_dark()
    {
        foreach (IReadOnlyList<string> colours in (IReadOnlyList<string>[])[ReportStyle.Light, ReportStyle.Dark])
        {
            Assert.Equal(4 + SeriesStyle.Colours, colours.Distinct().Count());
            Assert.All(colours.Skip(1).Take(2), ink => Assert.InRange(Contrast(ink, colours[0]), 4.5, 21)); // WCAG 2.2, 1.4.3
            Assert.All(colours.Skip(4), mark => Assert.InRange(Contrast(mark, colours[0]), 3, 21)); // 1.4.11
        }
    }

    [Fact]
    public void It_is_written_whole_or_not_at_all()
    {
        using var folder = new TemporaryFolder();
        string path = folder["report.html"];
        File.WriteAllText(path, "old");
        ComparisonReport.Write(path, ToyComparison.Usual());
        Assert.Equal(ComparisonReport.ToHtml(ToyComparison.Usual()), File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    private static XElement Page(string html)
    {
        using var text = new StringReader(html);
        using var reader = XmlReader.Create(text, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader).Root!;
    }

    private static XElement Figure(XElement page, string id) => page.Descendants("figure").Single(f => (string)f.Attribute("aria-labelledby")! == id + "-heading");

    private static XElement Drawing(XElement page, string id) => Figure(page, id).Descendants("svg").Single(s => (string?)s.Attribute("role") == "img");

    private static IEnumerable<XElement> Rows(XElement around) => around.Descendants("tbody").Single().Elements("tr");

    private static IEnumerable<XElement> Marks(XElement drawing) => drawing.Descendants("path").Where(p => Has(p, "mark"));

    private static bool Has(XElement element, string style) => ((string?)element.Attribute("class"))?.Split(' ').Contains(style) ?? false;

    private static int Count(XElement drawing, string element, string style) => drawing.Descendants(element).Count(e => Has(e, style));

    private static double Number(XElement element, string attribute) => double.Parse((string)element.Attribute(attribute)!, CultureInfo.InvariantCulture);

    /// <summary>Colour, and corners relative to the first, as far as a tenth of the size.</summary>
    private static string Look(XElement mark)
    {
        double[] numbers = [.. Coordinate().Matches((string)mark.Attribute("d")!).Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture))];
        double size = numbers.Where((_, k) => k % 2 == 0).Max() - numbers.Where((_, k) => k % 2 == 0).Min();
        bool isRound = ((string)mark.Attribute("d")!).Contains('a', StringComparison.Ordinal);
        string shape = isRound ? "round" : string.Join(' ', numbers.Select((n, k) => $"{Math.Round(((n - numbers[k % 2]) / size) + 0.013, 1) + 0.0:F1}"));
        return ((string)mark.Attribute("class")!).Split(' ')[1] + "|" + shape;
    }

    private static (double X, double Y) Centre(XElement mark)
    {
        string d = (string)mark.Attribute("d")!;
        double[] numbers = [.. Coordinate().Matches(d).Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture))];
        if (d.Contains('a', StringComparison.Ordinal)) return (numbers[0] + numbers[2], numbers[1]);
        double[] x = [.. numbers.Where((_, k) => k % 2 == 0)];
        double[] y = [.. numbers.Where((_, k) => k % 2 == 1)];
        return ((x.Min() + x.Max()) / 2, (y.Min() + y.Max()) / 2);
    }

    /// <summary>(L₁ + 0.05) / (L₂ + 0.05) of relative luminances, WCAG 2.2.</summary>
    private static double Contrast(string a, string b)
    {
        double la = Luminance(a);
        double lb = Luminance(b);
        return (Math.Max(la, lb) + 0.05) / (Math.Min(la, lb) + 0.05);
    }

    private static double Luminance(string colour)
    {
        double[] linear = [.. Enumerable.Range(0, 3).Select(k => Convert.ToInt32(colour.Substring(1 + (2 * k), 2), 16) / 255.0).Select(c => c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4))];
        return (0.2126 * linear[0]) + (0.7152 * linear[1]) + (0.0722 * linear[2]);
    }

    [GeneratedRegex(@"<(\w+)[^<>]*/>")]
    private static partial Regex EmptyElement();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex StyleText();

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Coordinate();
}
