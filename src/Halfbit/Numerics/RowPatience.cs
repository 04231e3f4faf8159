using System.Diagnostics;

namespace Halfbit.Numerics;

/// <summary>Active waiting for a limited time: loops follow each other closely, and waking a sleeping thread costs tens of microseconds.</summary>
/// <remarks>Looks are some tens of nanoseconds apart, so that a hand-over between threads that are awake costs little beside the loops of a small layer.</remarks>
internal struct RowPatience
{
    private const int Microseconds = 50;
    private const int LooksPerClock = 16;
    private static readonly long Limit = Stopwatch.Frequency * Microseconds / 1_000_000;
    private long start;
    private int looks;

    /// <summary>Waits for an instant; false when patience is at its end, or where more threads than processors make it unfair.</summary>
    public bool Lasts
    {
        get
        {
            if (RowParallel.Threads > Environment.ProcessorCount) return false;
            Thread.SpinWait(1);
            if (++looks % LooksPerClock != 1) return true;
            if (start == 0) start = Stopwatch.GetTimestamp();
            return Stopwatch.GetTimestamp() - start < Limit;
        }
    }
}
