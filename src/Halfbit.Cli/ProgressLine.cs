using System.Diagnostics;

namespace Halfbit.Cli;

/// <summary>Progress on standard error: one line that is rewritten on a terminal, plain lines now and then elsewhere.</summary>
internal sealed class ProgressLine : IDisposable
{
    private static readonly TimeSpan TerminalPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PlainPause = TimeSpan.FromSeconds(10);
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly bool isTerminal = !Console.IsErrorRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
    private TimeSpan last = TimeSpan.MinValue;
    private int width;

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed => watch.Elapsed;

    /// <summary>Shows a state that the next one replaces; left out when it comes too soon after the last.</summary>
    public void Update(Func<string> text)
    {
        if (last != TimeSpan.MinValue && watch.Elapsed - last < (isTerminal ? TerminalPause : PlainPause)) return;
        last = watch.Elapsed;
        if (!isTerminal)
        {
            Console.Error.WriteLine(text());
            return;
        }

        string line = text();
        Console.Error.Write("\r" + line.PadRight(width));
        width = line.Length;
    }

    /// <summary>Prints a line that stays.</summary>
    public void Keep(string text)
    {
        Clear();
        Console.Error.WriteLine(text);
    }

    /// <summary>Time left, as text, when a share of the work is done.</summary>
    public string TimeLeft(double share)
    {
        if (share <= 0.001) return "time left unknown";
        TimeSpan left = watch.Elapsed * ((1 - share) / share);
        return "about " + (left.TotalMinutes < 1.5 ? FormattableString.Invariant($"{left.TotalSeconds:F0} s left") : FormattableString.Invariant($"{left.TotalMinutes:F0} min left"));
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void Clear()
    {
        if (!isTerminal || width == 0) return;
        Console.Error.Write("\r" + new string(' ', width) + "\r");
        width = 0;
    }
}
