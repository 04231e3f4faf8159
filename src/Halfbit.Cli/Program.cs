using System.CommandLine;
using System.Text;

namespace Halfbit.Cli;

/// <summary>The halfbit command line.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        ParseResult parsed = Commands.Parse(arguments);
        if (parsed.Errors.Count > 0) return Failure.Usage(parsed);
        using var interruption = new Interruption();
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interruption.Token).ConfigureAwait(false);
    }
}
