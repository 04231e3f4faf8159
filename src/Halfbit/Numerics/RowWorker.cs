using System.Globalization;

namespace Halfbit.Numerics;

/// <summary>A helping thread of <see cref="RowParallel"/>. Workers are started on demand, lent to one loop at a time, and never end.</summary>
#pragma warning disable CA1001 // the event holds no handle of the operating system, and is needed to the end of its thread
internal sealed class RowWorker
#pragma warning restore CA1001
{
    private static readonly Lock Gate = new();
    private static readonly Stack<RowWorker> Idle = new();
    private static int started;

    private readonly ManualResetEventSlim wake = new(false, spinCount: 0);
    private RowLoop? assigned;
    private int isAsleep;

    /// <summary>Gives <paramref name="loop"/> up to <paramref name="wanted"/> idle workers; starts new ones while there are fewer than <paramref name="limit"/>.</summary>
    public static void Lend(RowLoop loop, int wanted, int limit)
    {
        lock (Gate)
        {
            for (int w = 0; w < wanted; w++)
            {
                if (!Idle.TryPop(out RowWorker? worker))
                {
                    if (started >= limit) return;
                    worker = Start();
                }

                loop.Enter();
                worker.Assign(loop);
            }
        }
    }

    private static RowWorker Start()
    {
        var worker = new RowWorker();
        new Thread(worker.Serve)
        {
            IsBackground = true,
            Name = string.Create(CultureInfo.InvariantCulture, $"rows {++started}"),
        }.UnsafeStart();
        return worker;
    }

    private void Assign(RowLoop loop)
    {
        Interlocked.Exchange(ref assigned, loop);
        if (Volatile.Read(ref isAsleep) != 0) wake.Set();
    }

    private void Serve()
    {
        RowParallel.IsInside = true;
        while (true)
        {
            RowLoop loop = AwaitLoop();
            loop.Work();
            lock (Gate) Idle.Push(this);            // before leaving, so that the caller's next loop finds this worker
            loop.Leave();
        }
    }

    private RowLoop AwaitLoop()
    {
        var patience = new RowPatience();
        while (patience.Lasts)
        {
            if (Volatile.Read(ref assigned) is not null) return Interlocked.Exchange(ref assigned, null)!;
        }

        Interlocked.Exchange(ref isAsleep, 1);
        while (true)
        {
            wake.Reset();
            if (Volatile.Read(ref assigned) is not null) break;
            wake.Wait();
        }

        Volatile.Write(ref isAsleep, 0);
        return Interlocked.Exchange(ref assigned, null)!;
    }
}
