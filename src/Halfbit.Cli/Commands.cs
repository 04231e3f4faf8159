using System.CommandLine;
using System.CommandLine.Help;

namespace Halfbit.Cli;

/// <summary>The verbs of the command line.</summary>
internal static class Commands
{
    /// <summary>Parses a command line. A leading @ is text like any other: prompts begin with it, and no response files are read.</summary>
    public static ParseResult Parse(IReadOnlyList<string> arguments) => CreateRoot().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>The command <c>halfbit</c> with all verbs.</summary>
    public static Command CreateRoot()
    {
        var root = new Command("halfbit", SharedOptions.WithExample(
            "Compresses large language models to about one bit per weight and runs them from those bits",
            "halfbit demo"))
        {
            DemoCommand.Create(),
            QuantizeCommand.Create(),
            ConvertCommand.Create(),
            QatCommand.Create(),
            TrainCommand.Create(),
            EvalCommand.Create(),
            CompareCommand.Create(),
            GenerateCommand.Create(),
            LogitsCommand.Create(),
            TokenizeCommand.Create(),
            InspectCommand.Create(),
            LayerCommand.Create(),
            DoctorCommand.Create(),
            BenchCommand.Create(),
            new HelpOption { Recursive = true },
            new VersionOption(),
        };
        return root;
    }
}
