using System.Runtime.ExceptionServices;

namespace Halfbit.Numerics;

/// <summary>One run of a parallel loop: pieces are drawn from a counter by the caller and by the workers that it was lent.</summary>
#pragma warning disable CA1001 // the event holds no handle of the operating system, and is needed to the end of its thread
internal sealed class RowLoop
#pragma warning restore CA1001
{
    private readonly ManualResetEventSlim finished = new(false, spinCount: 0);
    private RowWorker[] crew = [];
    private int count;
    private int grain;
    private int pieces;
    private Action<int, int>? body;
    private int next;
    private int running;
    private int isCallerAsleep;
    private Exception? failure;

    /// <summary>Runs the loop with at most <paramref name="helpers"/> workers beside the caller.</summary>
    public void Run(int count, int grain, int pieces, Action<int, int> body, int helpers)
    {
        this.count = count;
        this.grain = grain;
        this.pieces = pieces;
        this.body = body;
        next = -1;
        failure = null;
        int wanted = Math.Min(helpers, pieces - 1);
        if (crew.Length < wanted) crew = new RowWorker[wanted];
        int lent = RowWorker.Lend(this, crew.AsSpan(0, wanted), helpers);

        RowParallel.IsInside = true;
        Work();
        RowParallel.IsInside = false;
        RowWorker.Recall(this, crew.AsSpan(0, lent));
        AwaitWorkers();

        this.body = null;
        Exception? thrown = failure;
        failure = null;
        if (thrown is not null) ExceptionDispatchInfo.Throw(thrown);
    }

    /// <summary>Counts a worker in, before it is told of the loop.</summary>
    public void Enter() => Interlocked.Increment(ref running);

    /// <summary>Counts a worker out; it does not touch the loop afterwards, except to wake the caller.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref running) == 0 && Volatile.Read(ref isCallerAsleep) != 0) finished.Set();
    }

    /// <summary>Draws and runs pieces until none is left or one has failed.</summary>
    public void Work()
    {
        try
        {
            for (int piece = Interlocked.Increment(ref next); piece < pieces && Volatile.Read(ref failure) is null; piece = Interlocked.Increment(ref next))
                body!(piece * grain, (int)Math.Min(count, ((long)piece + 1) * grain));
        }
#pragma warning disable CA1031 // whatever a body throws is handed to the caller
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref failure, exception, null);
        }
    }

    private void AwaitWorkers()
    {
        if (Volatile.Read(ref running) == 0) return;
        var patience = new RowPatience();
        while (patience.Lasts)
        {
            if (Volatile.Read(ref running) == 0) return;
        }

        // A late signal of an earlier run may wake the caller too soon; hence the condition is read again after each.
        Interlocked.Exchange(ref isCallerAsleep, 1);
        while (true)
        {
            finished.Reset();
            if (Volatile.Read(ref running) == 0) break;
            finished.Wait();
        }

        Volatile.Write(ref isCallerAsleep, 0);
    }
}
