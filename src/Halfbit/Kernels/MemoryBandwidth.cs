using System.Diagnostics;
using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>How fast this machine reads memory: a buffer far larger than the caches, summed by all threads. Fetching in advance made it no faster (measured on Zen 4).</summary>
public sealed unsafe class MemoryBandwidth
{
    private const int Piece = 1 << 20;
    private readonly byte[] buffer;
    private readonly Action<int, int> read;
    private long sink;

    /// <summary>A buffer of some bytes.</summary>
    /// <param name="bytes">Its size; more than 20 times the last cache.</param>
    public MemoryBandwidth(int bytes)
    {
        buffer = GC.AllocateUninitializedArray<byte>(bytes / Piece * Piece, pinned: true);
        new Random(1).NextBytes(buffer.AsSpan(0, Piece));
        for (int at = Piece; at < buffer.Length; at += Piece) buffer.AsSpan(0, Piece).CopyTo(buffer.AsSpan(at));
        read = Read;
    }

    /// <summary>Reads the buffer once.</summary>
    /// <returns>Bytes per second.</returns>
    public double Measure()
    {
        long start = Stopwatch.GetTimestamp();
        RowParallel.For(buffer.Length / Piece, 4, read);
        return buffer.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private void Read(int start, int end)
    {
        fixed (byte* memory = buffer)
        {
            byte* at = memory + ((nint)start * Piece);
            byte* stop = memory + ((nint)end * Piece);
            Vector512<long> a = default, b = default, c = default, d = default;
            for (; at < stop; at += 256)
            {
                a += Vector512.Load((long*)at);
                b += Vector512.Load((long*)(at + 64));
                c += Vector512.Load((long*)(at + 128));
                d += Vector512.Load((long*)(at + 192));
            }

            Interlocked.Add(ref sink, Vector512.Sum(a + b + c + d));
        }
    }
}
