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

        for (int r = 0; r < ranks.Length; r++)
        {
            int b = bucketOfRank[r];
            selected[r] = SelectByLowerHalf(members.AsSpan(next[b] - counts[b], counts[b]), ranks[r] - before[r]);
        }
    }

    /// <summary>The element of a rank among values with equal upper halves, digit by digit of the lower half.</summary>
    private static float SelectByLowerHalf(ReadOnlySpan<float> members, int rank)
    {
        uint found = BitConverter.SingleToUInt32Bits(members[0]) & 0xFFFF0000;
        uint mask = 0xFFFF0000;
        Span<int> counts = stackalloc int[16];
        for (int shift = 12; shift >= 0; shift -= 4)
        {
            counts.Clear();
            foreach (float member in members)
            {
                uint bits = BitConverter.SingleToUInt32Bits(member);
                if ((bits & mask) == found) counts[(int)(bits >> shift) & 15]++;
            }

            int digit = 0;
            while (rank >= counts[digit]) rank -= counts[digit++];
            found |= (uint)digit << shift;
            mask |= 15u << shift;
        }

        return BitConverter.UInt32BitsToSingle(found);
    }

    private static int BucketOf(float value) => (int)(BitConverter.SingleToUInt32Bits(value) >> 16);

    private sealed class Scratch
    {
        public int[] Counts { get; } = new int[Buckets];

        public int[] Next { get; } = new int[Buckets];

        public float[] Members { get; set; } = [];
    }
}
