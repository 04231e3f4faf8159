using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>VPMADDWD on eight rows at once: a block of 16 rows and six rows of activations keeps its sums in 12 of the 16 registers.</summary>
internal sealed unsafe class LevelKernel256 : LevelKernel
{
    private const int Lanes = 8;
    private const int Tokens = 6;

    /// <inheritdoc/>
    public override int LeastTokens(int bits) => bits < 2 ? int.MaxValue : 12;

    /// <inheritdoc/>
    public override void AddProduct(short* levels, int pairs, float* units, short* q, float* scales, int tokens, float* y)
    {
        for (int row = 0; row < Rows; row += 2 * Lanes)
        {
            for (int t = 0; t < tokens; t += Tokens)
                AddBlock(levels + PlaceOf(row, 0, pairs), pairs, units + row, (int*)q + (t * pairs), scales + t, Math.Min(Tokens, tokens - t), y + (t * Rows) + row);
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
            Vector256<short> a = Vector256.Load(levels);
            Vector256<short> b = Vector256.Load(levels + (2 * Lanes));
            sums0.Add(a, b, q[p]);
            sums1.Add(a, b, q1[p]);
            sums2.Add(a, b, q2[p]);
            sums3.Add(a, b, q3[p]);
            sums4.Add(a, b, q4[p]);
            sums5.Add(a, b, q5[p]);
        }

        sums0.AddTo(y, units, scales[0]);
        if (tokens > 1) sums1.AddTo(y + Rows, units, scales[1]);
        if (tokens > 2) sums2.AddTo(y + (2 * Rows), units, scales[2]);
        if (tokens > 3) sums3.AddTo(y + (3 * Rows), units, scales[3]);
        if (tokens > 4) sums4.AddTo(y + (4 * Rows), units, scales[4]);
        if (tokens > 5) sums5.AddTo(y + (5 * Rows), units, scales[5]);
    }

    /// <summary>The sums of 16 rows and one row of activations.</summary>
    private struct Sums
    {
        private Vector256<int> sumA;
        private Vector256<int> sumB;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector256<short> a, Vector256<short> b, int pair)
        {
            Vector256<short> x = Vector256.Create(pair).AsInt16();
            Vector256<int> k = Avx2.MultiplyAddAdjacent(a, x);
            Vector256<int> l = Avx2.MultiplyAddAdjacent(b, x);
            sumA += k;
            sumB += l;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void AddTo(float* y, float* units, float scale)
        {
            Vector256<float> s = Vector256.Create(scale);
            Vector256.FusedMultiplyAdd(s * Vector256.Load(units), Vector256.ConvertToSingle(sumA), Vector256.Load(y)).Store(y);
            Vector256.FusedMultiplyAdd(s * Vector256.Load(units + Lanes), Vector256.ConvertToSingle(sumB), Vector256.Load(y + Lanes)).Store(y + Lanes);
        }
    }
}
