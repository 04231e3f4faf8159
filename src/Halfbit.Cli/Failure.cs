using System.CommandLine;
using System.CommandLine.Parsing;
using Halfbit.Calibration;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tokenization;
using Halfbit.Training;

namespace Halfbit.Cli;

/// <summary>Turns errors into one line on standard error and an exit code: 1 failed, 2 wrong usage, 130 interrupted.</summary>
internal static class Failure
{
    /// <summary>Done.</summary>
    public const int None = 0;

    /// <summary>The command could not do its work.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int WrongUsage = 2;

    /// <summary>Ctrl-C.</summary>
    public const int Interrupted = 130;

    private const string TraceVariable = "HALFBIT_TRACE";

    /// <summary>Runs a command's body.</summary>
    public static int Guard(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (OperationCanceledException exception)
        {
            Report(exception.InnerException is OperationCanceledException ? exception.Message : "interrupted");
            return Interrupted;
        }
        catch (OptionException exception)
        {
            Report(exception.Message);
            return WrongUsage;
        }
        catch (Exception exception) when (exception is CheckpointException or TokenizerException or NumericsException or InputException
            or PipelineException or CalibrationException or TrainingException or TaskException or IOException or UnauthorizedAccessException or OutOfMemoryException or ArgumentException or DllNotFoundException)
        {
            Report(MessageOf(exception) + RemedyOf(exception));
            return Failed;
        }
        catch (Exception exception)
        {
            // A fault of this program, not of its user: still one line, and the whole story on request.
            Report($"internal error: {exception.GetType().Name}: {exception.Message}; please report it, with the lines that {TraceVariable}=1 adds");
            if (Environment.GetEnvironmentVariable(TraceVariable) == "1") Console.Error.WriteLine(exception);
            return Failed;
        }
    }

    /// <summary>What to do about a full disk; the system's own message names the file.</summary>
    private static string RemedyOf(Exception exception)
    {
        const int NoSpaceOnUnix = 28;
        const int NoSpaceOnWindows = unchecked((int)0x80070070);
        return exception is IOException { HResult: NoSpaceOnUnix or NoSpaceOnWindows } ? "; free some space and run the command again, quantization, training and eval --tasks go on with --resume" : string.Empty;
    }

    /// <summary>Reports what the parser did not understand.</summary>
    public static int Usage(ParseResult parsed)
    {
        ParseError error = parsed.Errors.FirstOrDefault(e => parsed.UnmatchedTokens.Any(t => e.Message.Contains(t, StringComparison.Ordinal))) ?? parsed.Errors[0];
        Report(error.Message.TrimEnd('.') + $"; see 'halfbit {CommandPath(parsed)}--help'");
        return WrongUsage;
    }

    /// <summary>An exception's message without the parameter name that the framework appends.</summary>
    public static string MessageOf(Exception exception)
    {
        string message = exception.Message;
        int parameter = exception is ArgumentException ? message.IndexOf(" (Parameter '", StringComparison.Ordinal) : -1;
        return parameter < 0 ? message : message[..parameter];
    }

    /// <summary>Writes one line to standard error.</summary>
    public static void Report(string message) => Console.Error.WriteLine("halfbit: " + message.ReplaceLineEndings(" "));

    private static string CommandPath(ParseResult parsed)
        => parsed.CommandResult.Parent is null ? string.Empty : parsed.CommandResult.Command.Name + " ";
}
