using System.Runtime.InteropServices;

namespace Halfbit.Cli;

/// <summary>Ctrl-C and the request to terminate become a cancellation: the command ends at its next safe point. A second Ctrl-C ends at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;

    public Interruption()
    {
        registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
            .. FileSizeSignal(),
        ];
    }

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations) registration.Dispose();
        source.Dispose();
    }

    /// <summary>A write past the limit on file sizes shall fail as one on a full disk does, instead of ending the process without a word.</summary>
    private static PosixSignalRegistration[] FileSizeSignal()
    {
        const int FileSizeExceeded = 25; // SIGXFSZ on Linux and macOS
        return OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
            ? [PosixSignalRegistration.Create((PosixSignal)FileSizeExceeded, context => context.Cancel = true)]
            : [];
    }

    private void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested) return;
        context.Cancel = true;
        source.Cancel();
    }
}
