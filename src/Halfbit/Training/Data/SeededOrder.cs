using System.Numerics;

namespace Halfbit.Training;

/// <summary>A shuffle of 0 … count − 1 that needs no memory: each place is computed from seed, epoch and index alone.</summary>
/// <remarks>
/// A balanced Feistel network over the next even number of bits is a permutation whatever its round function; places beyond count are walked on until one is inside
/// (Black and Rogaway, Ciphers with Arbitrary Finite Domains, 2002). The round function is SplitMix64's finalizer.
/// </remarks>
internal readonly struct SeededOrder
{
    private const int Rounds = 6;
    private readonly long count;
    private readonly int halfBits;
    private readonly ulong key;

    /// <summary>The order of one epoch.</summary>
    /// <param name="seed">Seed.</param>
    /// <param name="epoch">Epoch, ≥ 0.</param>
    /// <param name="count">Number of items, ≥ 1.</param>
    public SeededOrder(long seed, long epoch, long count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        this.count = count;
        halfBits = Math.Max(1, (BitOperations.Log2((ulong)count) / 2) + 1);
        key = Mix(Mix((ulong)seed) + (ulong)epoch);
    }

    /// <summary>The item at a place of the order.</summary>
    /// <param name="index">Place in [0, count).</param>
    public long this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
            do index = Permute(index);
            while (index >= count);
            return index;
        }
    }

    private long Permute(long index)
    {
        ulong mask = (1UL << halfBits) - 1;
        ulong left = (ulong)index >> halfBits;
        ulong right = (ulong)index & mask;
        for (ulong round = 1; round <= Rounds; round++) (left, right) = (right, left ^ (Mix(key ^ (round << 58) ^ right) & mask));
        return (long)((left << halfBits) | right);
    }

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
