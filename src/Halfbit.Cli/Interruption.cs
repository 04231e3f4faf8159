using System.Runtime.InteropServices;

namespace Halfbit.Cli;

/// <summary>
/// Ctrl-C and the request to terminate become a cancellation: the command ends at its next safe point. A command that does not come to one in time is
/// ended where it is (every file is complete or has a temporary name, so nothing can be broken). A second Ctrl-C ends at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>Kept for the life of the process: a signal may still be on its way when the command is done.</summary>
    private static readonly PosixSignalRegistration? FileSize = FileSizeSignal();

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongPatience = TimeSpan.FromMinutes(10);
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private Timer? end;

    public Interruption()
    {
        GC.KeepAlive(FileSize);
        registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Set by a command that saves its state when it is interrupted, which may take a while: it is given the time, and tells its user.</summary>
    public static bool SavesState { get; set; }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations) registration.Dispose();
        end?.Dispose();
        source.Dispose();
    }

    /// <summary>A write past the limit on file sizes shall fail as one on a full disk does, instead of ending the process without a word.</summary>
    private static PosixSignalRegistration? FileSizeSignal()
    {
        const int FileSizeExceeded = 25; // SIGXFSZ on Linux and macOS
        return OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
            ? PosixSignalRegistration.Create((PosixSignal)FileSizeExceeded, context => context.Cancel = true)
            : null;
    }

    private void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested) return;
        context.Cancel = true;
        end = new Timer(static _ => End(), null, SavesState ? LongPatience : Patience, Timeout.InfiniteTimeSpan);
        if (SavesState) Task.Run(() => Console.Error.WriteLine("interrupted: the state is being saved; Ctrl-C again ends at once and loses what came after the last saved state"));
        source.Cancel();
    }

    private static void End()
    {
        // Not waited for without end: the console is one lock, and the command may hold it in a write that nobody reads.
        Task.Run(() => Failure.Report("interrupted; quantization keeps its finished blocks, training its last saved state and eval --output its answers, the same command with --resume goes on from there")).Wait(TimeSpan.FromMilliseconds(500));
        Environment.Exit(Failure.Interrupted);
    }
}
