using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Halfbit.Tests.Support;

/// <summary>What a run of the command line left.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as exactly one JSON document.</summary>
    public JsonNode Json
    {
        get
        {
            Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
            return JsonNode.Parse(Output)!; // fails when anything follows the document
        }
    }

    /// <summary>The last line on standard error; the run must have failed, and cleanly.</summary>
    public string Failure(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, expected {exitCode}; standard error: {Error}");
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", Error, StringComparison.Ordinal);
        string last = Error.TrimEnd('\n').Split('\n')[^1];
        Assert.StartsWith("halfbit: ", last, StringComparison.Ordinal);
        Assert.Single(Error.Split('\n'), line => line.StartsWith("halfbit: ", StringComparison.Ordinal));
        return last;
    }
}

/// <summary>Runs the command line as users do: as a process.</summary>
internal static class CommandLine
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Halfbit.Cli.dll");

    /// <summary>Runs to the end.</summary>
    public static CommandResult Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        return Finish(process);
    }

    /// <summary>Starts a run with both outputs redirected; the caller reads them through <see cref="Finish"/>.</summary>
    public static Process Start(params string[] arguments) => Start("dotnet", [Program, .. arguments]);

    /// <summary>Runs inside a shell that first executes <paramref name="prelude"/>, e.g. a limit.</summary>
    public static CommandResult RunInShell(string prelude, params string[] arguments)
    {
        using Process process = Start("bash", ["-c", prelude + "; exec dotnet \"$@\"", "bash", Program, .. arguments]);
        return Finish(process);
    }

    /// <summary>Waits for the end and reads both outputs.</summary>
    public static CommandResult Finish(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(120_000))
        {
            process.Kill();
            Assert.Fail("the command does not end");
        }

        return new CommandResult(process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    private static Process Start(string file, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("HALFBIT_BLAS");
        return Process.Start(start)!;
    }
}
