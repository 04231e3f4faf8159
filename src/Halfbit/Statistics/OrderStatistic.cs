namespace Halfbit.Statistics;

/// <summary>Selection of the k-th smallest of many non-negative scores without sorting them all.</summary>
public static class OrderStatistic
{
    private const int Buckets = 1 << 16;

    /// <summary>The element with 0-based index <paramref name="k"/> of the ascending order.</summary>
    /// <param name="scores">[m] values ≥ 0, none NaN; m ≥ 1.</param>
    /// <param name="k">Index in [0, m).</param>
    /// <remarks>The bit patterns of non-negative floats are ordered like their values: a histogram of the upper 16 bits finds the bucket, which alone is sorted.</remarks>
    public static float Select(ReadOnlySpan<float> scores, long k)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(k, scores.Length);
        var counts = new int[Buckets];
        foreach (float score in scores) counts[KeyOf(score) >> 16]++;
        int bucket = 0;
        long before = 0;
        while (before + counts[bucket] <= k) before += counts[bucket++];
        var members = new float[counts[bucket]];
        int found = 0;
        foreach (float score in scores)
        {
            if (KeyOf(score) >> 16 == bucket) members[found++] = score;
        }

        Array.Sort(members);
        return members[k - before];
    }

    private static uint KeyOf(float score) => BitConverter.SingleToUInt32Bits(score + 0f); // −0 becomes +0
}
