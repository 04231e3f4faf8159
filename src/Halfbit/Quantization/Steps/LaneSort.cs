using System.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Sorts as many sequences at once as a vector has lanes.</summary>
internal static class LaneSort
{
    /// <summary>Sorts every lane in ascending order; no keys may be NaN, and no lane may hold both zeros.</summary>
    /// <param name="keys">[n], element i of every lane.</param>
    /// <remarks>
    /// Merge exchange (Batcher; Knuth, The Art of Computer Programming 3, Algorithm 5.2.2 M): which elements are compared does not depend on their values,
    /// so all lanes take the same steps without a branch. About n·log²n/4 exchanges.
    /// </remarks>
    public static void Sort(Span<Vector<double>> keys)
    {
        int n = keys.Length;
        if (n < 2) return;
        int top = 1 << (int.Log2(n - 1));
        for (int p = top; p > 0; p >>= 1)
        {
            int distance = p;
            int first = 0;
            for (int q = top; ; q >>= 1)
            {
                for (int run = first; run < n - distance; run += 2 * p) Exchange(keys, run, Math.Min(p, n - distance - run), distance);
                if (q == p) break;
                distance = q - p;
                first = p;
            }
        }
    }

    /// <summary>Puts keys[i] and keys[i + distance] in order for <paramref name="count"/> values of i.</summary>
    private static void Exchange(Span<Vector<double>> keys, int start, int count, int distance)
    {
        Span<Vector<double>> low = keys.Slice(start, count);
        Span<Vector<double>> high = keys.Slice(start + distance, count);
        for (int i = 0; i < low.Length; i++)
        {
            Vector<double> a = low[i];
            Vector<double> b = high[i];
            low[i] = Vector.MinNative(a, b);
            high[i] = Vector.MaxNative(a, b);
        }
    }
}
