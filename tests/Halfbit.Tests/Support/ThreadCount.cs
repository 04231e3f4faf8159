using Halfbit.Numerics;

namespace Halfbit.Tests.Support;

/// <summary>Another number of threads until it is disposed. Other tests at the same time may see it; results must not depend on it.</summary>
internal sealed class ThreadCount : IDisposable
{
    private readonly int before = RowParallel.Threads;

    public ThreadCount(int threads)
    {
        RowParallel.Threads = threads;
    }

    public void Dispose() => RowParallel.Threads = before;
}
