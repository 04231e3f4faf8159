namespace Halfbit.Training;

/// <summary>Buffers that each thread keeps between calls, so that operations do not allocate; contents undefined.</summary>
/// <typeparam name="T">Element type.</typeparam>
internal static class OperationScratch<T>
    where T : unmanaged
{
    [ThreadStatic]
    private static T[]? first;

    [ThreadStatic]
    private static T[]? second;

    /// <summary>Room for one row, or for one block of attention scores.</summary>
    public static Span<T> First(int length) => Take(ref first, length);

    /// <summary>Room for another row or block.</summary>
    public static Span<T> Second(int length) => Take(ref second, length);

    /// <summary>An array of at least <paramref name="length"/> elements in place of <paramref name="buffer"/>, for parallel loops that write to one buffer.</summary>
    public static T[] Array(ref T[]? buffer, int length)
    {
        if (buffer is null || buffer.Length < length) buffer = GC.AllocateUninitializedArray<T>(Math.Max(length, 2 * (buffer?.Length ?? 0)));
        return buffer;
    }

    private static Span<T> Take(ref T[]? buffer, int length) => Array(ref buffer, length).AsSpan(0, length);
}
