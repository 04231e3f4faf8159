using System.Runtime.ExceptionServices;

namespace Halfbit.Numerics;

/// <summary>Splits a range of independent rows over threads. The only place of the library that starts threads.</summary>
/// <remarks>
/// A body must write only what belongs to its rows, and must compute each row the same way wherever the range is cut;
/// then results do not depend on the number of threads. Nested calls run on the calling thread.
/// </remarks>
public static class RowParallel
{
    [ThreadStatic]
    private static bool isInside;

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
    public static bool IsInside => isInside;

    /// <summary>Calls <paramref name="body"/>(start, end) for consecutive pieces of [0, <paramref name="count"/>) of at most <paramref name="grain"/> rows.</summary>
    /// <param name="count">Number of rows, ≥ 0.</param>
    /// <param name="grain">Rows per piece, ≥ 1; a multiple of it starts every piece.</param>
    /// <param name="body">Receives the first row and one past the last row of a piece.</param>
    /// <exception cref="Exception">The first exception thrown by a body, after all threads have stopped.</exception>
    public static void For(int count, int grain, Action<int, int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentOutOfRangeException.ThrowIfLessThan(grain, 1);
        int pieces = (int)(((long)count + grain - 1) / grain);
        int workers = Math.Min(threads, pieces);
        if (workers <= 1 || isInside)
        {
            for (int piece = 0; piece < pieces; piece++) body(piece * grain, (int)Math.Min(count, ((long)piece + 1) * grain));
            return;
        }

        new Loop(count, grain, pieces, body).Run(workers);
    }

    private sealed class Loop(int count, int grain, int pieces, Action<int, int> body)
    {
        private int next = -1;
        private int running;
        private Exception? failure;

        public void Run(int workers)
        {
            running = workers - 1;
            using var finished = new ManualResetEventSlim(false);
            for (int w = 1; w < workers; w++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    static state =>
                    {
                        state.Loop.Work();
                        if (Interlocked.Decrement(ref state.Loop.running) == 0) state.Finished.Set();
                    },
                    (Loop: this, Finished: finished),
                    preferLocal: false);
            }

            Work();
            finished.Wait();
            if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        }

        private void Work()
        {
            isInside = true;
            try
            {
                for (int piece = Interlocked.Increment(ref next); piece < pieces && failure is null; piece = Interlocked.Increment(ref next))
                    body(piece * grain, (int)Math.Min(count, ((long)piece + 1) * grain));
            }
#pragma warning disable CA1031 // whatever a body throws is handed to the caller
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref failure, exception, null);
            }
            finally
            {
                isInside = false;
            }
        }
    }
}
