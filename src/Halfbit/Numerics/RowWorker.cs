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

    /// <summary>Gives <paramref name="loop"/> idle workers until <paramref name="crew"/> is full; starts new ones while there are fewer than <paramref name="limit"/>.</summary>
    /// <returns>Workers lent: so many elements of the crew were set.</returns>
    public static int Lend(RowLoop loop, Span<RowWorker> crew, int limit)
    {
        lock (Gate)
        {
            for (int w = 0; w < crew.Length; w++)
            {
                if (!Idle.TryPop(out RowWorker? worker))
                {
                    if (started >= limit) return w;
                    worker = Start();
                }

                crew[w] = worker;
                loop.Enter();
                worker.Assign(loop);
            }
        }

        return crew.Length;
    }

    /// <summary>Takes the workers back that have not begun yet: the loop is over, and need not wait until they are awake.</summary>
    public static void Recall(RowLoop loop, ReadOnlySpan<RowWorker> crew)
    {
        foreach (RowWorker worker in crew)
        {
            if (!ReferenceEquals(Interlocked.CompareExchange(ref worker.assigned, null, loop), loop)) continue;
            lock (Gate) Idle.Push(worker);
            loop.Leave();
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
        while (true)
        {
            var patience = new RowPatience();
            while (patience.Lasts)
            {
                if (TakeLoop() is RowLoop loop) return loop;
            }

            Interlocked.Exchange(ref isAsleep, 1);
            while (true)
            {
                wake.Reset();
                if (Volatile.Read(ref assigned) is not null) break;
                wake.Wait();
            }

            Volatile.Write(ref isAsleep, 0);
            if (TakeLoop() is RowLoop awaited) return awaited;
        }
    }

    /// <summary>The assigned loop, if it has not been recalled.</summary>
    private RowLoop? TakeLoop() => Volatile.Read(ref assigned) is null ? null : Interlocked.Exchange(ref assigned, null);
}
