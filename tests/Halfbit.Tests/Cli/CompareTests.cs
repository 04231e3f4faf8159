using System.Text.Json.Nodes;
using Halfbit.Cli;
using Halfbit.Quantization;
using Halfbit.Reports;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

public sealed class CompareTests(CliFixture files) : IClassFixture<CliFixture>
{
    private static readonly string[] Fields =
    [
        "name", "method", "options", "nominalBits", "trueBits", "bytes", "perplexity", "perplexities", "klDivergence", "top1Agreement", "seconds", "peakMemoryBytes", "pareto", "layers",
    ];

    [Fact]
    public void Compare_reports_every_model_and_writes_a_page()
    {
        string page = files["report.html"];
        string list = files["methods.txt"];
        File.WriteAllText(list, "# a comment\n\nMy label = pb-llm --salient 0.2\r\nsign\n");
        JsonNode report = CommandLine.Run(
            "compare", files.Model, "--methods", "rtn,xnor; gptq --bits=3 --group-size 16", "--methods-file", list, "--perplexity", files.Text, files.Text, "--window", "32",
            "--tokens-limit", "200", "--calibration", files.Text, "--samples", "3", "--seq-len", "24", "--report", page, "--keep", files["kept"], "--json").Json;
        JsonArray rows = report["results"]!.AsArray();
        Assert.Equal(["original", "rtn", "xnor", "gptq --bits=3 --group-size 16", "My label", "sign"], rows.Select(r => (string)r!["name"]!));
        Assert.Equal(["none", "rtn", "xnor", "gptq", "pb-llm", "sign"], rows.Select(r => (string)r!["method"]!));
        foreach (JsonNode? row in rows)
        {
            Assert.All(Fields, field => Assert.True(row!.AsObject().ContainsKey(field), field));
            Assert.Equal([files.Text, files.Text], row!["perplexities"]!.AsArray().Select(p => (string)p!["file"]!));
            Assert.Equal((double)row["perplexity"]!, (double)row["perplexities"]![0]!["value"]!, 1e-9);
            bool isOriginal = (string)row["name"]! == "original";
            Assert.Equal(isOriginal ? 0 : 14, row["layers"]!.AsArray().Count);
            Assert.Equal(isOriginal, (double)row["klDivergence"]! == 0);
            if (OperatingSystem.IsLinux() && !isOriginal) Assert.InRange((long)row["peakMemoryBytes"]!, 10 << 20, 4L << 30);
        }

        Assert.Equal("16", (string)rows[3]!["options"]!["group-size"]!);
        Assert.True((bool)rows[5]!["pareto"]!); // the smallest
        Assert.Contains("My label", File.ReadAllText(page), StringComparison.Ordinal);
        JsonNode kept = CommandLine.Run("eval", files["kept", "my-label"], "--perplexity", files.Text, "--window", "32", "--tokens-limit", "200", "--reference", files.Model, "--exact", "--json").Json["perplexity"]![0]!;
        Assert.Equal((double)rows[4]!["perplexity"]!, (double)kept["value"]!, 1e-9);
        Assert.Equal((double)rows[4]!["klDivergence"]!, (double)kept["klDivergence"]!, 1e-9);
    }

    [Fact]
    public void A_method_that_fails_is_a_row_with_its_error_and_the_exit_code()
    {
        CommandResult result = CommandLine.Run(
            "compare", files.Model, "--methods", "gptq --damping 1e-9; xnor", "--perplexity", files.Text, "--window", "32", "--calibration", files.Text, "--samples", "1", "--seq-len", "8", "--json");
        Assert.Contains("1 of 2 methods failed: gptq --damping 1e-9: ", result.Failure(1), StringComparison.Ordinal);
        JsonArray rows = JsonNode.Parse(result.Output)!["results"]!.AsArray();
        Assert.Contains("--damping", (string)rows[1]!["error"]!, StringComparison.Ordinal);
        Assert.Null(rows[1]!["perplexity"]);
        Assert.True((double)rows[2]!["perplexity"]! > 1);
    }

    [Fact]
    public void The_table_shows_every_model_and_nothing_stays_behind()
    {
        string temporary = Directory.CreateDirectory(files["tmp"]).FullName;
        CommandResult result = CommandLine.RunInShell($"export TMPDIR='{temporary}'", "compare", files.Model, "--methods", "rtn,xnor", "--perplexity", files.Text, "--window", "32");
        Assert.True(result.ExitCode == 0, result.Error);
        string[] lines = result.Output.Split('\n');
        Assert.Single(lines, l => l.StartsWith("original ", StringComparison.Ordinal));
        Assert.Single(lines, l => l.StartsWith("rtn ", StringComparison.Ordinal));
        Assert.Single(lines, l => l.StartsWith("xnor ", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.EnumerateDirectories(temporary), d => Path.GetFileName(d).StartsWith("halfbit-", StringComparison.Ordinal));
    }

    [UnixFact]
    public void Ctrl_C_leaves_nothing_behind()
    {
        string temporary = Directory.CreateDirectory(files["tmp interrupted"]).FullName;
        string page = files["interrupted.html"];
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Halfbit.Cli.dll"), "compare", TestData.Sample, "--methods", "gptq,pb-llm", "--perplexity", files.Text, "--window", "32", "--calibration", files.Text, "--samples", "40", "--seq-len", "48", "--report", page])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TMPDIR"] = temporary },
        })!;
        while (process.StandardError.ReadLine() is string line && !line.StartsWith("gptq: block", StringComparison.Ordinal))
        {
        }

        using (var interrupt = System.Diagnostics.Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        _ = CommandLine.Finish(process).Failure(130);
        Assert.DoesNotContain(Directory.EnumerateDirectories(temporary), d => Path.GetFileName(d).StartsWith("halfbit-", StringComparison.Ordinal));
        Assert.False(File.Exists(page));
    }

    [Theory]
    [InlineData("rtn --bits 99", "--methods: 'rtn --bits 99': --bits is '99'")]
    [InlineData("xnor; nonsense --bits 2", "'nonsense --bits 2': there is no method 'nonsense'")]
    [InlineData("xnor,nonsense", "'nonsense'")]
    [InlineData("xnor --bits 2", "'xnor --bits 2': method xnor has no option --bits")]
    [InlineData("rtn --nonsense", "'rtn --nonsense'")]
    [InlineData("rtn --bits 2, xnor", "semicolons")]
    [InlineData("--bits 2", "'--bits 2': does not begin with the name of a method")]
    [InlineData("label =", "'label =': does not begin with the name of a method")]
    [InlineData("= rtn", "label before '=' is empty")]
    [InlineData("rtn; rtn", "second model called 'rtn'")]
    [InlineData("original = rtn", "second model called 'original'")]
    [InlineData(" ; ", "no methods")]
    public void A_wrong_entry_is_named(string list, string named)
        => Assert.Contains(named, Assert.Throws<OptionException>(() => MethodList.Parse([list], null)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_wrong_line_of_a_file_is_named_by_its_number()
    {
        string path = files["wrong.txt"];
        File.WriteAllText(path, "# first\nrtn\nrtn --bits 0\n");
        Assert.StartsWith($"{path}:3: 'rtn --bits 0'", Assert.Throws<OptionException>(() => MethodList.Parse([], path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Entries_are_read_as_quantize_reads_its_options()
    {
        IReadOnlyList<Contestant> contestants = MethodList.Parse(["rtn, gptq,xnor", "A  b = pb-llm  --low-frac 0.8 --salience magnitude;gptq --bits=3 --symmetric"], null);
        Assert.Equal(["rtn", "gptq", "xnor", "A b", "gptq --bits=3 --symmetric"], contestants.Select(c => c.Name));
        Assert.Equal(["rtn", "gptq", "xnor", "pb-llm", "gptq"], contestants.Select(c => c.Method.Name));
        Assert.Equal("0.8", contestants[3].Method.Options["low-frac"]);
        Assert.Equal(("3", "on"), (contestants[4].Method.Options["bits"], contestants[4].Method.Options["symmetric"]));
    }

    [Theory]
    [InlineData(2, "no methods", "--perplexity", "TEXT")]
    [InlineData(2, "--perplexity", "--methods", "xnor")]
    [InlineData(2, "'rtn --bits 0'", "--methods", "rtn --bits 0", "--perplexity", "TEXT")]
    [InlineData(2, "is a folder", "--methods", "xnor", "--perplexity", "TEXT", "--report", "/")]
    [InlineData(1, "no such folder", "--methods", "xnor", "--perplexity", "TEXT", "--report", "/no/such/folder/r.html")]
    [InlineData(1, "/no/such/text", "--methods", "xnor", "--perplexity", "/no/such/text")]
    [InlineData(1, "/no/such/list", "--methods-file", "/no/such/list", "--perplexity", "TEXT")]
    [InlineData(1, "text.txt: ", "--methods", "xnor", "--perplexity", "TEXT", "--tokens-limit", "10")]
    [InlineData(1, "/no/such/text", "--methods", "xnor", "--perplexity", "TEXT", "--calibration", "/no/such/text", "--seq-len", "24")]
    public void What_is_wrong_is_said_in_one_line(int exitCode, string named, params string[] arguments)
        => Assert.Contains(named, CommandLine.Run(["compare", files.Model, .. arguments.Select(a => a == "TEXT" ? files.Text : a)]).Failure(exitCode), StringComparison.Ordinal);
}
