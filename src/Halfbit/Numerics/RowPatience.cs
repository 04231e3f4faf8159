using System.Diagnostics;

namespace Halfbit.Numerics;

/// <summary>Active waiting for a limited time: loops follow each other closely, and waking a sleeping thread costs tens of microseconds.</summary>
internal struct RowPatience
{
    private const int Microseconds = 50;
    private const int SpinsBetweenLooks = 16;
    private static readonly long Limit = Stopwatch.Frequency * Microseconds / 1_000_000;
    private long start;

    /// <summary>Waits for an instant; false when patience is at its end, or where more threads than processors make it unfair.</summary>
    public bool Lasts
    {
        get
        {
            if (RowParallel.Threads > Environment.ProcessorCount) return false;
            if (start == 0) start = Stopwatch.GetTimestamp();
            Thread.SpinWait(SpinsBetweenLooks);
            return Stopwatch.GetTimestamp() - start < Limit;
        }
    }
}
