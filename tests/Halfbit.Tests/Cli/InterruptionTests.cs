using System.Diagnostics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>Ctrl-C, SIGKILL and full disks: nothing unfinished ever has a final name, and --resume ends with the bytes of an undisturbed run.</summary>
public sealed class InterruptionTests(UndisturbedJob undisturbed) : IClassFixture<UndisturbedJob>, IDisposable
{
    /// <summary>The runtime's own trick with memory files would fall under the limit, too; it is switched off.</summary>
    private const string Limit = "export DOTNET_EnableWriteXorExecute=0; ulimit -f ";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [UnixFact]
    public void Killed_at_any_moment_it_goes_on_to_the_same_bytes()
    {
        var random = new Random(Environment.ProcessId); // really at any moment; the claim holds for all
        int killed = 0;
        for (int attempt = 0; attempt < 8; attempt++)
        {
            using Process process = CommandLine.Start([.. Job("out"), "--resume"]);
            Task<string> error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(150 + random.Next(600)))
            {
                process.Kill();
                process.WaitForExit();
                killed++;
            }

            _ = error.GetAwaiter().GetResult();
            Assert.True(Directory.Exists(folder["out"]) == (process.ExitCode == 0), $"exit code {process.ExitCode}");
            if (process.ExitCode == 0) break;
        }

        Assert.True(killed > 0);
        CommandResult last = CommandLine.Run([.. Job("out"), "--resume"]);
        Assert.True(last.ExitCode == 0, last.Error);
        FolderBytes.AssertEqual(undisturbed.Output, folder["out"]);
    }

    [UnixFact]
    public void Ctrl_C_ends_with_130_and_keeps_what_is_finished()
    {
        using Process process = CommandLine.Start(Job("out"));
        while (process.StandardError.ReadLine() is string line && !line.Contains("block 1/6 stored", StringComparison.Ordinal))
        {
        }

        using (Process interrupt = Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        CommandResult result = CommandLine.Finish(process);
        Assert.Contains("--resume", result.Failure(130), StringComparison.Ordinal);
        Assert.Contains(folder["out"] + ".partial", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
        Assert.True(File.Exists(folder["out.partial", "model-00002-of-00007.safetensors"]));

        CommandResult resumed = CommandLine.Run([.. Job("out"), "--resume"]);
        Assert.Equal(0, resumed.ExitCode);
        Assert.DoesNotContain("block 1/6  model", resumed.Error, StringComparison.Ordinal);
        FolderBytes.AssertEqual(undisturbed.Output, folder["out"]);
    }

    [UnixFact]
    public void When_files_cannot_grow_it_fails_cleanly_and_can_go_on()
    {
        // A limit on the size of files makes writes fail in the middle, as a full disk does. 300 KiB: blocks fit, the embeddings (3 MiB) do not.
        CommandResult result = CommandLine.RunInShell(Limit + "300", [.. Job("out")]);
        string message = result.Failure(1);
        Assert.Contains(folder["out"], message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
        if (Directory.Exists(folder["out.partial"]))
            Assert.DoesNotContain(FolderBytes.Of(folder["out.partial"]).Keys, name => name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".writing", StringComparison.Ordinal));
        Assert.Equal(0, CommandLine.Run([.. Job("out"), "--resume"]).ExitCode);
        FolderBytes.AssertEqual(undisturbed.Output, folder["out"]);

        string input = Path.Combine(TestData.Bundled, "reference", "pb-llm");
        CommandResult layer = CommandLine.RunInShell(Limit + "4", "layer", Directory.GetFiles(input, "*.safetensors")[0], "--method", "xnor", "--out", folder["Q.safetensors"]);
        Assert.Contains("Q.safetensors", layer.Failure(1), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path, "Q.*"));
    }

    [UnixFact]
    public void A_command_without_a_safe_point_is_ended_all_the_same()
    {
        // Nobody reads the many megabytes that it prints: it hangs in its last write.
        string tokens = string.Join(',', Enumerable.Range(1, 300));
        using Process process = CommandLine.Start("logits", TestData.Sample, "--tokens", tokens, "--positions", tokens[..tokens.LastIndexOf(',')], "--json");
        Thread.Sleep(2500);
        Assert.False(process.HasExited);
        using (Process interrupt = Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        bool hasEnded = process.WaitForExit(30_000);
        if (!hasEnded) process.Kill();
        Assert.True(hasEnded);
        Assert.Equal(130, process.ExitCode);
    }

    private string[] Job(string output) => UndisturbedJob.Arguments(folder[output]);
}

/// <summary>The output of a job that nothing disturbed.</summary>
public sealed class UndisturbedJob : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public UndisturbedJob()
    {
        CommandResult result = CommandLine.Run(Arguments(Output));
        Assert.True(result.ExitCode == 0, result.Error);
    }

    public string Output => folder["out"];

    public static string[] Arguments(string output) => ["quantize", TestData.Sample, "-o", output, "--method", "pb-llm", "--samples", "2", "--seq-len", "48"];

    public void Dispose() => folder.Dispose();
}

/// <summary>A test that needs signals and a Unix shell.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows()) Skip = "there are no Unix signals and limits on Windows";
    }
}
