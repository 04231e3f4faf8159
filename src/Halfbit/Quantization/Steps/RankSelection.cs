namespace Halfbit.Quantization.Steps;

/// <summary>Many order statistics of many values at once, without sorting them all.</summary>
/// <remarks>The bit patterns of non-negative floats are ordered like the values: a histogram of their upper halves finds the buckets that hold the ranks; only those are sorted.</remarks>
internal static class RankSelection
{
    private const int Buckets = 1 << 15;

    [ThreadStatic]
    private static Scratch? scratch;

    /// <summary>The elements with the given 0-based indices in ascending order.</summary>
    /// <param name="values">[m], ≥ +0, finite.</param>
    /// <param name="ranks">[r], ascending, each in [0, m); repeats allowed.</param>
    /// <param name="selected">[r], receives the elements.</param>
    public static void Select(ReadOnlySpan<float> values, ReadOnlySpan<int> ranks, Span<float> selected)
    {
        Scratch s = scratch ??= new Scratch();
        int[] counts = s.Counts;
        counts.AsSpan().Clear();
        foreach (float value in values) counts[BucketOf(value)]++;

        // Where each bucket that holds a rank will be collected, and which elements of the order it covers.
        int[] next = s.Next;
        next.AsSpan().Fill(-1);
        Span<int> bucketOfRank = ranks.Length <= 512 ? stackalloc int[ranks.Length] : new int[ranks.Length];
        Span<int> before = ranks.Length <= 512 ? stackalloc int[ranks.Length] : new int[ranks.Length];
        int bucket = 0;
        int passed = 0;
        int collected = 0;
        for (int r = 0; r < ranks.Length; r++)
        {
            while (passed + counts[bucket] <= ranks[r]) passed += counts[bucket++];
            bucketOfRank[r] = bucket;
            before[r] = passed;
            if (next[bucket] >= 0) continue;
            next[bucket] = collected;
            collected += counts[bucket];
        }

        if (s.Members.Length < collected) s.Members = new float[collected];
        float[] members = s.Members;
        foreach (float value in values)
        {
            ref int place = ref next[BucketOf(value)];
            if (place >= 0) members[place++] = value;
        }

        int sorted = -1;
        for (int r = 0; r < ranks.Length; r++)
        {
            int b = bucketOfRank[r];
            int start = next[b] - counts[b];
            if (b != sorted) SortUnlessEqual(members.AsSpan(start, counts[b]));
            sorted = b;
            selected[r] = members[start + ranks[r] - before[r]];
        }
    }

    private static int BucketOf(float value) => (int)(BitConverter.SingleToUInt32Bits(value) >> 16);

    private static void SortUnlessEqual(Span<float> members)
    {
        if (members.ContainsAnyExcept(members[0])) members.Sort();
    }

    private sealed class Scratch
    {
        public int[] Counts { get; } = new int[Buckets];

        public int[] Next { get; } = new int[Buckets];

        public float[] Members { get; set; } = [];
    }
}
