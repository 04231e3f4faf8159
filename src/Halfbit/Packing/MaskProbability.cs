namespace Halfbit.Packing;

/// <summary>Chances in integers: a logit in quarters to a frequency out of 2¹⁴, and what a symbol of that frequency costs.</summary>
internal static class MaskProbability
{
    /// <summary>log₂ of <see cref="Total"/>.</summary>
    public const int TotalBits = 14;

    /// <summary>Sum of the frequencies of "salient" and "not salient".</summary>
    public const uint Total = 1u << TotalBits;

    /// <summary>Logits are cut off here, in quarters.</summary>
    public const int Limit = 40;

    // round(2¹⁴ / (1 + exp(−t/4))), at least 1, for t = −40 … 0. Part of the format.
    private static readonly ushort[] LowerHalf =
    [
        1, 1, 1, 2, 2, 3, 3, 4, 5, 7, 9, 12, 15, 19, 25, 32, 41, 52, 67, 86, 110, 141, 180, 230, 295, 376, 480, 612, 777, 984, 1243, 1562, 1953, 2426,
        2989, 3649, 4406, 5256, 6186, 7173, 8192,
    ];

    /// <summary>The frequency of "salient" at a logit, 1 to 2¹⁴ − 1.</summary>
    /// <param name="logit">In quarters.</param>
    public static uint Frequency(int logit)
    {
        int t = Math.Clamp(logit, -Limit, Limit);
        return t <= 0 ? LowerHalf[t + Limit] : Total - LowerHalf[Limit - t];
    }

    /// <summary>−log₂(frequency / Total) in units of 2⁻¹⁶ bit, in integers so that every machine takes the same decisions.</summary>
    public static int Cost(uint frequency)
    {
        int whole = System.Numerics.BitOperations.Log2(frequency);
        ulong x = (ulong)frequency << (31 - whole);
        int log = whole;
        for (int k = 0; k < 16; k++)
        {
            x = (x * x) >> 31;
            log <<= 1;
            if (x < 1ul << 32) continue;
            log++;
            x >>= 1;
        }

        return (TotalBits << 16) - log;
    }
}
