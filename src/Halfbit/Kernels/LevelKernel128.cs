using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>Pairs of products on four rows at once, with whatever the machine has (PMADDWD, else two multiplications of 32 bits).</summary>
internal sealed unsafe class LevelKernel128 : LevelKernel
{
    private const int Lanes = 4;
    private const int Tokens = 4;

    /// <inheritdoc/>
    public override int LeastTokens(int bits) => bits < 3 ? int.MaxValue : 12;

    /// <inheritdoc/>
    public override void AddProduct(short* levels, int pairs, float* units, short* q, float* scales, int tokens, float* y)
    {
        for (int row = 0; row < Rows; row += 2 * Lanes)
        {
            for (int t = 0; t < tokens; t += Tokens)
                AddBlock(levels + PlaceOf(row, 0, pairs), pairs, units + row, (int*)q + (t * pairs), scales + t, Math.Min(Tokens, tokens - t), y + (t * Rows) + row);
        }
    }

    /// <summary>Sums of two adjacent products, made with multiplications of 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> AddedPortably(Vector128<short> a, Vector128<short> b)
        => (((a.AsInt32() << 16) >> 16) * ((b.AsInt32() << 16) >> 16)) + ((a.AsInt32() >> 16) * (b.AsInt32() >> 16));

    /// <summary>Rows of activations beyond the last are the last once more, and what comes of them is not stored.</summary>
    private static void AddBlock(short* levels, int pairs, float* units, int* q, float* scales, int tokens, float* y)
    {
        int last = tokens - 1;
        int* q1 = q + (Math.Min(1, last) * pairs);
        int* q2 = q + (Math.Min(2, last) * pairs);
        int* q3 = q + (Math.Min(3, last) * pairs);
        Sums sums0 = default, sums1 = default, sums2 = default, sums3 = default;
        for (nint p = 0; p < pairs; p++, levels += PairLevels)
        {
            Vector128<short> a = Vector128.Load(levels);
            Vector128<short> b = Vector128.Load(levels + (2 * Lanes));
            sums0.Add(a, b, q[p]);
            sums1.Add(a, b, q1[p]);
            sums2.Add(a, b, q2[p]);
            sums3.Add(a, b, q3[p]);
        }

        sums0.AddTo(y, units, scales[0]);
        if (tokens > 1) sums1.AddTo(y + Rows, units, scales[1]);
        if (tokens > 2) sums2.AddTo(y + (2 * Rows), units, scales[2]);
        if (tokens > 3) sums3.AddTo(y + (3 * Rows), units, scales[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Added(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported ? Sse2.MultiplyAddAdjacent(a, b) : AddedPortably(a, b);

    /// <summary>The sums of eight rows and one row of activations.</summary>
    private struct Sums
    {
        private Vector128<int> sumA;
        private Vector128<int> sumB;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector128<short> a, Vector128<short> b, int pair)
        {
            Vector128<short> x = Vector128.Create(pair).AsInt16();
            sumA += Added(a, x);
            sumB += Added(b, x);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void AddTo(float* y, float* units, float scale)
        {
            Vector128<float> s = Vector128.Create(scale);
            Vector128.FusedMultiplyAdd(s * Vector128.Load(units), Vector128.ConvertToSingle(sumA), Vector128.Load(y)).Store(y);
            Vector128.FusedMultiplyAdd(s * Vector128.Load(units + Lanes), Vector128.ConvertToSingle(sumB), Vector128.Load(y + Lanes)).Store(y + Lanes);
        }
    }
}
