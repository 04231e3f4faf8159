using System.Runtime.CompilerServices;

namespace Halfbit.Numerics;

/// <summary>Scratch memory that grows on demand, never moves while it has its size, and starts on a cache line.</summary>
internal sealed unsafe class AlignedBuffer
{
    private const int Alignment = 64;
    private byte[] memory = [];

    /// <summary>The address of at least <paramref name="count"/> elements with arbitrary content; valid until the next call.</summary>
    public T* Reserve<T>(nint count)
        where T : unmanaged
    {
        long bytes = ((long)count * sizeof(T)) + Alignment;
        if (memory.Length < bytes) memory = GC.AllocateUninitializedArray<byte>(checked((int)bytes), pinned: true);
        nint address = (nint)Unsafe.AsPointer(ref memory[0]);
        return (T*)((address + Alignment - 1) & ~(nint)(Alignment - 1));
    }
}
