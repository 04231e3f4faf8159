namespace Halfbit.Models;

/// <summary>Buffers that each thread keeps between calls, so that inner loops do not allocate.</summary>
internal static class ThreadScratch
{
    [ThreadStatic]
    private static float[]? weights;

    [ThreadStatic]
    private static float[]? scores;

    [ThreadStatic]
    private static float[]? cached;

    [ThreadStatic]
    private static float[]? gathered;

    /// <summary>Room for widened keys or values; contents undefined.</summary>
    public static Span<float> Cached(int length) => Take(ref cached, length);

    /// <summary>Room for keys and values of a sequence whose rows lie in several segments; contents undefined.</summary>
    public static Span<float> Gathered(int length) => Take(ref gathered, length);

    /// <summary>Room for expanded weights; contents undefined.</summary>
    public static Span<float> Weights(int length) => Take(ref weights, length);

    /// <summary>Room for attention scores; contents undefined.</summary>
    public static Span<float> Scores(int length) => Take(ref scores, length);

    private static Span<float> Take(ref float[]? buffer, int length)
    {
        if (buffer is null || buffer.Length < length) buffer = GC.AllocateUninitializedArray<float>(Math.Max(length, 2 * (buffer?.Length ?? 0)));
        return buffer.AsSpan(0, length);
    }
}
