using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>C ← A·B for very few rows of A (attention of a new token): rows of B pass through registers as they lie, nothing is packed.</summary>
/// <remarks>A lane is a column of C, and each is one chain in ascending inner index: the bits of <see cref="BlockedProduct{T}"/>.</remarks>
internal sealed unsafe class DirectProduct
{
    /// <summary>Rows of A up to which this form is used.</summary>
    public const int MaxRows = 8;

    /// <summary>Columns of B that are fetched in advance: rows may lie far apart, and the next columns are wanted when all rows have been seen.</summary>
    private const int FetchAhead = 128;

    /// <summary>Columns of a piece of the loop.</summary>
    private const int PieceColumns = 256;

    /// <summary>Multiply-adds below which threads cost more than they bring.</summary>
    private const long SerialWork = 1 << 16;

    [ThreadStatic]
    private static DirectProduct? idle;

    private readonly Action<int, int> computeColumns;
    private Operand<float> a;
    private Operand<float> b;
    private nint depth;
    private float* c;
    private nint stride;
    private bool isWide;

    private DirectProduct() => computeColumns = ComputeColumns;

    /// <summary>Whether the shape suits this form and the kernel has the vectors that it needs.</summary>
    public static bool Fits(TileKernel<float> kernel, in Operand<float> a, in Operand<float> b, bool accumulate)
        => kernel is TileKernel512<float> or TileKernel256<float> && a.Outer <= MaxRows && b.Outer >= LanesOf(kernel) && a.IsDepthContiguous && !b.IsDepthContiguous && !a.IsNegated && !accumulate;

    /// <summary>As <see cref="BlockedProduct{T}.Run"/>, without accumulation.</summary>
    public static void Run(TileKernel<float> kernel, in Operand<float> a, in Operand<float> b, nint depth, float* c, nint stride)
    {
        DirectProduct product = idle ?? new DirectProduct();
        idle = null;
        product.isWide = kernel is TileKernel512<float>;
        product.a = a;
        product.b = b;
        product.depth = depth;
        product.c = c;
        product.stride = stride;
        bool isSmall = (long)a.Outer * b.Outer * depth < SerialWork;
        RowParallel.For(b.Outer, isSmall ? b.Outer : PieceColumns, product.computeColumns);
        idle = product;
    }

    private static int LanesOf(TileKernel<float> kernel) => kernel is TileKernel512<float> ? Vector512<float>.Count : Vector256<float>.Count;

    private void ComputeColumns(int start, int end)
    {
        int lanes = isWide ? Vector512<float>.Count : Vector256<float>.Count;
        int j = start;
        for (; j + (8 * lanes) <= end; j += 8 * lanes) Compute(j, 8);
        if (j + (4 * lanes) <= end)
        {
            Compute(j, 4);
            j += 4 * lanes;
        }

        for (; j + lanes <= end; j += lanes) Compute(j, 1);

        // The last columns are computed with some before them, which get the same numbers again, maybe from two threads at once.
        if (j < end) Compute(end - lanes, 1);
    }

    /// <summary>Some vectors of columns of all rows.</summary>
    private void Compute(int j, int vectors)
    {
        float* right = b.At(j, 0);
        for (int i = 0; i < a.Outer; i++)
        {
            float* left = a.At(i, 0);
            float* target = c + (i * stride) + j;
            if (isWide)
            {
                if (vectors == 8 && i + 1 < a.Outer)
                {
                    TwoRows512(left, a.At(i + 1, 0), right, b.Stride, depth, target, target + stride);
                    i++;
                }
                else if (vectors == 8)
                {
                    Eight512(left, right, b.Stride, depth, target);
                }
                else if (vectors == 4)
                {
                    Four512(left, right, b.Stride, depth, target);
                }
                else
                {
                    One512(left, right, b.Stride, depth, target);
                }
            }
            else if (vectors == 8)
            {
                Eight256(left, right, b.Stride, depth, target);
            }
            else if (vectors == 4)
            {
                Four256(left, right, b.Stride, depth, target);
            }
            else
            {
                One256(left, right, b.Stride, depth, target);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows512(float* left, float* next, float* right, nint step, nint depth, float* target, float* other)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        Vector512<float> t0 = default, t1 = default, t2 = default, t3 = default, t4 = default, t5 = default, t6 = default, t7 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Sse.Prefetch1(right + FetchAhead);
            Sse.Prefetch1(right + FetchAhead + 16);
            Sse.Prefetch1(right + FetchAhead + 32);
            Sse.Prefetch1(right + FetchAhead + 48);
            Sse.Prefetch1(right + FetchAhead + 64);
            Sse.Prefetch1(right + FetchAhead + 80);
            Sse.Prefetch1(right + FetchAhead + 96);
            Sse.Prefetch1(right + FetchAhead + 112);
            Vector512<float> x = Vector512.Create(left[p]);
            Vector512<float> y = Vector512.Create(next[p]);
            Vector512<float> b0 = Vector512.Load(right);
            s0 = Vector512.FusedMultiplyAdd(x, b0, s0);
            t0 = Vector512.FusedMultiplyAdd(y, b0, t0);
            Vector512<float> b1 = Vector512.Load(right + 16);
            s1 = Vector512.FusedMultiplyAdd(x, b1, s1);
            t1 = Vector512.FusedMultiplyAdd(y, b1, t1);
            Vector512<float> b2 = Vector512.Load(right + 32);
            s2 = Vector512.FusedMultiplyAdd(x, b2, s2);
            t2 = Vector512.FusedMultiplyAdd(y, b2, t2);
            Vector512<float> b3 = Vector512.Load(right + 48);
            s3 = Vector512.FusedMultiplyAdd(x, b3, s3);
            t3 = Vector512.FusedMultiplyAdd(y, b3, t3);
            Vector512<float> b4 = Vector512.Load(right + 64);
            s4 = Vector512.FusedMultiplyAdd(x, b4, s4);
            t4 = Vector512.FusedMultiplyAdd(y, b4, t4);
            Vector512<float> b5 = Vector512.Load(right + 80);
            s5 = Vector512.FusedMultiplyAdd(x, b5, s5);
            t5 = Vector512.FusedMultiplyAdd(y, b5, t5);
            Vector512<float> b6 = Vector512.Load(right + 96);
            s6 = Vector512.FusedMultiplyAdd(x, b6, s6);
            t6 = Vector512.FusedMultiplyAdd(y, b6, t6);
            Vector512<float> b7 = Vector512.Load(right + 112);
            s7 = Vector512.FusedMultiplyAdd(x, b7, s7);
            t7 = Vector512.FusedMultiplyAdd(y, b7, t7);
        }

        s0.Store(target);
        s1.Store(target + 16);
        s2.Store(target + 32);
        s3.Store(target + 48);
        s4.Store(target + 64);
        s5.Store(target + 80);
        s6.Store(target + 96);
        s7.Store(target + 112);
        t0.Store(other);
        t1.Store(other + 16);
        t2.Store(other + 32);
        t3.Store(other + 48);
        t4.Store(other + 64);
        t5.Store(other + 80);
        t6.Store(other + 96);
        t7.Store(other + 112);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight512(float* left, float* right, nint step, nint depth, float* target)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Sse.Prefetch1(right + FetchAhead);
            Sse.Prefetch1(right + FetchAhead + 16);
            Sse.Prefetch1(right + FetchAhead + 32);
            Sse.Prefetch1(right + FetchAhead + 48);
            Sse.Prefetch1(right + FetchAhead + 64);
            Sse.Prefetch1(right + FetchAhead + 80);
            Sse.Prefetch1(right + FetchAhead + 96);
            Sse.Prefetch1(right + FetchAhead + 112);
            Vector512<float> x = Vector512.Create(left[p]);
            s0 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right), s0);
            s1 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 16), s1);
            s2 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 32), s2);
            s3 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 48), s3);
            s4 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 64), s4);
            s5 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 80), s5);
            s6 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 96), s6);
            s7 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 112), s7);
        }

        s0.Store(target);
        s1.Store(target + 16);
        s2.Store(target + 32);
        s3.Store(target + 48);
        s4.Store(target + 64);
        s5.Store(target + 80);
        s6.Store(target + 96);
        s7.Store(target + 112);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four512(float* left, float* right, nint step, nint depth, float* target)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Sse.Prefetch1(right + FetchAhead);
            Sse.Prefetch1(right + FetchAhead + 16);
            Sse.Prefetch1(right + FetchAhead + 32);
            Sse.Prefetch1(right + FetchAhead + 48);
            Vector512<float> x = Vector512.Create(left[p]);
            s0 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right), s0);
            s1 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 16), s1);
            s2 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 32), s2);
            s3 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right + 48), s3);
        }

        s0.Store(target);
        s1.Store(target + 16);
        s2.Store(target + 32);
        s3.Store(target + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One512(float* left, float* right, nint step, nint depth, float* target)
    {
        Vector512<float> s0 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Sse.Prefetch1(right + FetchAhead);
            Vector512<float> x = Vector512.Create(left[p]);
            s0 = Vector512.FusedMultiplyAdd(x, Vector512.Load(right), s0);
        }

        s0.Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight256(float* left, float* right, nint step, nint depth, float* target)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Sse.Prefetch1(right + FetchAhead);
            Sse.Prefetch1(right + FetchAhead + 16);
            Sse.Prefetch1(right + FetchAhead + 32);
            Sse.Prefetch1(right + FetchAhead + 48);
            Vector256<float> x = Vector256.Create(left[p]);
            s0 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right), s0);
            s1 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 8), s1);
            s2 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 16), s2);
            s3 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 24), s3);
            s4 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 32), s4);
            s5 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 40), s5);
            s6 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 48), s6);
            s7 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 56), s7);
        }

        s0.Store(target);
        s1.Store(target + 8);
        s2.Store(target + 16);
        s3.Store(target + 24);
        s4.Store(target + 32);
        s5.Store(target + 40);
        s6.Store(target + 48);
        s7.Store(target + 56);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four256(float* left, float* right, nint step, nint depth, float* target)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Sse.Prefetch1(right + FetchAhead);
            Sse.Prefetch1(right + FetchAhead + 16);
            Vector256<float> x = Vector256.Create(left[p]);
            s0 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right), s0);
            s1 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 8), s1);
            s2 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 16), s2);
            s3 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right + 24), s3);
        }

        s0.Store(target);
        s1.Store(target + 8);
        s2.Store(target + 16);
        s3.Store(target + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One256(float* left, float* right, nint step, nint depth, float* target)
    {
        Vector256<float> s0 = default;
        for (nint p = 0; p < depth; p++, right += step)
        {
            Vector256<float> x = Vector256.Create(left[p]);
            s0 = Vector256.FusedMultiplyAdd(x, Vector256.Load(right), s0);
        }

        s0.Store(target);
    }
}
