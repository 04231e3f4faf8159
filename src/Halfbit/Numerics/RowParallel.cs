namespace Halfbit.Numerics;

/// <summary>Splits a range of independent rows over threads. The only place of the library that starts threads.</summary>
/// <remarks>
/// A body must write only what belongs to its rows, and must compute each row the same way wherever the range is cut;
/// then results do not depend on the number of threads. Nested calls run on the calling thread. Loops of several calling threads
/// may run at once: they share the helping threads, and a caller that finds none idle does all the work itself.
/// A helping thread waits actively for some microseconds after a loop, then sleeps.
/// </remarks>
public static class RowParallel
{
    [ThreadStatic]
    private static bool isInside;

    [ThreadStatic]
    private static RowLoop? idleLoop;

    private static int threads = Environment.ProcessorCount;

    /// <summary>Threads used by each loop, the caller included; at least 1. Default: the number of processors.</summary>
    public static int Threads
    {
        get => threads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            threads = value;
        }
    }

    /// <summary>Whether the caller already runs inside a parallel loop, so that a further one would be serial.</summary>
    public static bool IsInside
    {
        get => isInside;
        internal set => isInside = value;
    }

    /// <summary>Calls <paramref name="body"/>(start, end) for consecutive pieces of [0, <paramref name="count"/>) of at most <paramref name="grain"/> rows.</summary>
    /// <param name="count">Number of rows, ≥ 0.</param>
    /// <param name="grain">Rows per piece, ≥ 1; a multiple of it starts every piece.</param>
    /// <param name="body">Receives the first row and one past the last row of a piece.</param>
    /// <exception cref="Exception">The first exception thrown by a body, after all threads have stopped.</exception>
    public static void For(int count, int grain, Action<int, int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(grain, 1);
        int pieces = (int)(((long)count + grain - 1) / grain);
        int limit = threads;
        if (pieces <= 1 || limit <= 1 || isInside)
        {
            for (int piece = 0; piece < pieces; piece++) body(piece * grain, (int)Math.Min(count, ((long)piece + 1) * grain));
            return;
        }

        // One loop object per calling thread, used again: a loop allocates nothing.
        RowLoop loop = idleLoop ?? new RowLoop();
        idleLoop = null;
        try
        {
            loop.Run(count, grain, pieces, body, limit - 1);
        }
        finally
        {
            idleLoop = loop;
        }
    }
}
