namespace Halfbit.Numerics;

/// <summary>The generator of CPython's <c>random</c> module (MT19937), so that seeded calibration windows equal those of the authors' programs.</summary>
/// <remarks>Seeding by array and the draw of bounded integers follow CPython's documented behaviour; Matsumoto and Nishimura 1998 give the recurrence.</remarks>
public sealed class PythonRandom
{
    private const int N = 624;
    private const int M = 397;
    private readonly uint[] state = new uint[N];
    private int index = N;

    /// <summary>As <c>random.seed(seed)</c> with a non-negative integer.</summary>
    /// <param name="seed">Seed, ≥ 0.</param>
    public PythonRandom(long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        uint[] key = seed >> 32 == 0 ? [(uint)seed] : [(uint)seed, (uint)(seed >> 32)];
        state[0] = 19650218u;
        for (int i = 1; i < N; i++) state[i] = (1812433253u * (state[i - 1] ^ (state[i - 1] >> 30))) + (uint)i;
        int p = 1;
        int q = 0;
        for (int k = N; k > 0; k--)
        {
            state[p] = (state[p] ^ ((state[p - 1] ^ (state[p - 1] >> 30)) * 1664525u)) + key[q] + (uint)q;
            if (++p >= N)
            {
                state[0] = state[N - 1];
                p = 1;
            }

            if (++q >= key.Length) q = 0;
        }

        for (int k = N - 1; k > 0; k--)
        {
            state[p] = (state[p] ^ ((state[p - 1] ^ (state[p - 1] >> 30)) * 1566083941u)) - (uint)p;
            if (++p >= N)
            {
                state[0] = state[N - 1];
                p = 1;
            }
        }

        state[0] = 0x80000000u;
    }

    /// <summary>32 random bits.</summary>
    public uint NextUInt32()
    {
        if (index >= N) Regenerate();
        uint y = state[index++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C5680u;
        y ^= (y << 15) & 0xEFC60000u;
        return y ^ (y >> 18);
    }

    /// <summary>A value in [0, 1) with 53 random bits, as <c>random.random()</c>.</summary>
    public double NextDouble()
    {
        uint high = NextUInt32() >> 5;
        uint low = NextUInt32() >> 6;
        return ((high * 67108864.0) + low) / 9007199254740992.0;
    }

    /// <summary>An integer in [<paramref name="low"/>, <paramref name="high"/>], both ends included, as <c>random.randint</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty or wider than 2³² − 1.</exception>
    public long NextInclusive(long low, long high)
    {
        long width = high - low + 1;
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1, nameof(high));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, uint.MaxValue, nameof(high));
        int bits = 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)width);
        uint draw;
        do draw = NextUInt32() >> (32 - bits);
        while (draw >= width);
        return low + draw;
    }

    private void Regenerate()
    {
        for (int k = 0; k < N; k++)
        {
            uint y = (state[k] & 0x80000000u) | (state[(k + 1) % N] & 0x7FFFFFFFu);
            state[k] = state[(k + M) % N] ^ (y >> 1) ^ ((y & 1) != 0 ? 0x9908B0DFu : 0u);
        }

        index = 0;
    }
}
