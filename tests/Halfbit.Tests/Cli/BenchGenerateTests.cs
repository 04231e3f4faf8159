using System.Diagnostics;
using Halfbit.Cli;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>bench generate writes a model, measures it from its files, and leaves nothing behind.</summary>
public sealed class BenchGenerateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Parts_of_resident_memory_add_up_and_no_file_is_left()
    {
        var rows = new List<GenerationRow>();
        foreach (GenerationRow row in BenchGenerate.Measure(Plan("xnor", "rtn4"), CancellationToken.None))
        {
            long onDisk = Directory.GetFiles(folder.Path, "*.safetensors", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
            Assert.Equal(onDisk, row.FileBytes);
            rows.Add(row);
        }

        Assert.Equal([("xnor", 1, 1), ("xnor", 1, 2), ("xnor", 2, 1), ("xnor", 2, 2), ("rtn4", 1, 1), ("rtn4", 1, 2), ("rtn4", 2, 1), ("rtn4", 2, 2)], rows.Select(r => (r.Form, r.Threads, r.Batch)));
        foreach (GenerationRow row in rows)
        {
            Assert.Equal(row.ResidentBytes, row.FileBytes + row.CacheBytes + row.OtherBytes);
            Assert.InRange(row.WeightBytes + row.TableBytes, 1, row.FileBytes - 1);
            Assert.Equal(2L * 130 * 96, row.TableBytes);
        }

        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_measurement_that_is_given_up_leaves_no_file()
    {
        using var source = new CancellationTokenSource();
        using IEnumerator<GenerationRow> rows = BenchGenerate.Measure(Plan("sign"), source.Token).GetEnumerator();
        Assert.True(rows.MoveNext());
        Assert.Single(Directory.GetDirectories(folder.Path));
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => rows.MoveNext());
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("FOLDER", "100000000", "are free")]
    [InlineData("/no/such/folder", "1", "/no/such/folder: no such folder")]
    public void Without_a_folder_or_room_in_it_one_line_says_so(string parent, string blocks, string named)
    {
        CommandResult result = CommandLine.Run("bench", "generate", "--form", "xnor", "--blocks", blocks, "--folder", parent == "FOLDER" ? folder.Path : parent);
        Assert.Contains(named, result.Failure(1), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [UnixFact]
    public void Ctrl_C_leaves_no_file()
    {
        using Process process = CommandLine.Start("bench", "generate", "--form", "xnor", "--blocks", "1", "--folder", folder.Path);
        while (Directory.GetFiles(folder.Path, "*.writing", SearchOption.AllDirectories).Length == 0)
        {
            Assert.False(process.HasExited);
            Thread.Sleep(5);
        }

        using (Process interrupt = Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        Assert.Contains("interrupted", CommandLine.Finish(process).Failure(130), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    private BenchGenerate.Plan Plan(params string[] forms) => new()
    {
        Forms = forms,
        Threads = [1, 2],
        Batches = [1, 2],
        Blocks = 2,
        PromptTokens = 5,
        NewTokens = 3,
        Precision = ActivationPrecision.EightBits,
        Folder = folder.Path,
        Shape = Evaluation.SyntheticModelTests.Shape,
    };
}
