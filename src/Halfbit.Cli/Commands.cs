using System.CommandLine;

namespace Halfbit.Cli;

/// <summary>The verbs of the command line.</summary>
internal static class Commands
{
    /// <summary>All commands.</summary>
    public static RootCommand CreateRoot() => new("Compresses large language models to about one bit per weight and runs them from those bits.")
    {
        QuantizeCommand.Create(),
        EvalCommand.Create(),
        GenerateCommand.Create(),
        LogitsCommand.Create(),
        TokenizeCommand.Create(),
        InspectCommand.Create(),
        LayerCommand.Create(),
    };
}
