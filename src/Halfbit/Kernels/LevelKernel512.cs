using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>VPMADDWD on 16 rows at once: a block of 64 rows and six rows of activations keeps its sums in 24 of the 32 registers.</summary>
internal sealed unsafe class LevelKernel512 : LevelKernel
{
    private const int Lanes = 16;
    private const int Tokens = 6;

    /// <summary>Whether this machine can run it.</summary>
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

    /// <inheritdoc/>
    public override int LeastTokens(int bits) => bits < 4 ? int.MaxValue : 144 / bits;

    /// <inheritdoc/>
    public override void AddProduct(short* levels, int pairs, float* units, short* q, float* scales, int tokens, float* y)
    {
        for (int row = 0; row < Rows; row += PanelRows, levels += pairs * PairLevels)
        {
            for (int t = 0; t < tokens; t += Tokens)
                AddBlock(levels, pairs, units + row, (int*)q + (t * pairs), scales + t, Math.Min(Tokens, tokens - t), y + (t * Rows) + row);
        }
    }

    /// <summary>Rows of activations beyond the last are the last once more, and what comes of them is not stored.</summary>
    private static void AddBlock(short* levels, int pairs, float* units, int* q, float* scales, int tokens, float* y)
    {
        int last = tokens - 1;
        int* q1 = q + (Math.Min(1, last) * pairs);
        int* q2 = q + (Math.Min(2, last) * pairs);
        int* q3 = q + (Math.Min(3, last) * pairs);
        int* q4 = q + (Math.Min(4, last) * pairs);
        int* q5 = q + (Math.Min(5, last) * pairs);
        Sums sums0 = default, sums1 = default, sums2 = default, sums3 = default, sums4 = default, sums5 = default;
        for (nint p = 0; p < pairs; p++, levels += PairLevels)
        {
            Vector512<short> a = Vector512.Load(levels);
            Vector512<short> b = Vector512.Load(levels + (2 * Lanes));
            Vector512<short> c = Vector512.Load(levels + (4 * Lanes));
            Vector512<short> d = Vector512.Load(levels + (6 * Lanes));
            sums0.Add(a, b, c, d, q[p]);
            sums1.Add(a, b, c, d, q1[p]);
            sums2.Add(a, b, c, d, q2[p]);
            sums3.Add(a, b, c, d, q3[p]);
            sums4.Add(a, b, c, d, q4[p]);
            sums5.Add(a, b, c, d, q5[p]);
        }

        sums0.AddTo(y, units, scales[0]);
        if (tokens > 1) sums1.AddTo(y + Rows, units, scales[1]);
        if (tokens > 2) sums2.AddTo(y + (2 * Rows), units, scales[2]);
        if (tokens > 3) sums3.AddTo(y + (3 * Rows), units, scales[3]);
        if (tokens > 4) sums4.AddTo(y + (4 * Rows), units, scales[4]);
        if (tokens > 5) sums5.AddTo(y + (5 * Rows), units, scales[5]);
    }

    /// <summary>The sums of 64 rows and one row of activations.</summary>
    private struct Sums
    {
        private Vector512<int> sumA;
        private Vector512<int> sumB;
        private Vector512<int> sumC;
        private Vector512<int> sumD;

        /// <summary>Four products, then four sums: alternating, they take a sixth longer (measured on Zen 4).</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector512<short> a, Vector512<short> b, Vector512<short> c, Vector512<short> d, int pair)
        {
            Vector512<short> x = Vector512.Create(pair).AsInt16();
            Vector512<int> k = Avx512BW.MultiplyAddAdjacent(a, x);
            Vector512<int> l = Avx512BW.MultiplyAddAdjacent(b, x);
            Vector512<int> m = Avx512BW.MultiplyAddAdjacent(c, x);
            Vector512<int> n = Avx512BW.MultiplyAddAdjacent(d, x);
            sumA += k;
            sumB += l;
            sumC += m;
            sumD += n;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void AddTo(float* y, float* units, float scale)
        {
            Vector512<float> s = Vector512.Create(scale);
            AddTo(y, s * Vector512.Load(units), sumA);
            AddTo(y + Lanes, s * Vector512.Load(units + Lanes), sumB);
            AddTo(y + (2 * Lanes), s * Vector512.Load(units + (2 * Lanes)), sumC);
            AddTo(y + (3 * Lanes), s * Vector512.Load(units + (3 * Lanes)), sumD);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddTo(float* y, Vector512<float> factor, Vector512<int> sums)
            => Vector512.FusedMultiplyAdd(factor, Vector512.ConvertToSingle(sums), Vector512.Load(y)).Store(y);
    }
}
