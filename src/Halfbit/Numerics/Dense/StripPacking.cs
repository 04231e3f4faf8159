using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>Copies strips of an operand into the order in which a tile reads them: packed[p·stride + i] = operand(i, p).</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <remarks>Lanes past the strip's width hold arbitrary finite-or-not values that belong to the operand; tiles never store what they yield.</remarks>
internal static unsafe class StripPacking<T>
    where T : unmanaged
{
    private const int DepthAtOnce = 256;

    /// <summary>Packs outer indices [first, first + width), depths [from, from + depth).</summary>
    /// <param name="operand">The source.</param>
    /// <param name="first">First outer index.</param>
    /// <param name="width">Outer indices, ≥ 1 and ≤ <paramref name="stride"/>.</param>
    /// <param name="from">First depth.</param>
    /// <param name="depth">Number of depths.</param>
    /// <param name="stride">Elements from one depth to the next in <paramref name="packed"/>.</param>
    /// <param name="packed">[depth, stride].</param>
    public static void Pack(in Operand<T> operand, int first, int width, nint from, nint depth, int stride, T* packed)
    {
        T* source = operand.At(first, from);
        if (operand.IsDepthContiguous)
            Transpose(source, operand.Stride, width, depth, stride, operand.IsNegated, packed);
        else
            Copy(source, operand.Stride, width, Math.Min(stride, operand.Outer - first), depth, stride, operand.IsNegated, packed);
    }

    /// <summary>Source rows are contiguous along the outer index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(T* source, nint sourceStride, int width, int readable, nint depth, int stride, bool isNegated, T* packed)
    {
        Vector256<T> sign = isNegated ? SignBits() : default;
        int lanes = Vector256<T>.Count;
        if (readable < stride || stride % lanes != 0)
        {
            for (nint p = 0; p < depth; p++, source += sourceStride, packed += stride)
            {
                for (int i = 0; i < width; i++) packed[i] = isNegated ? Negate(source[i]) : source[i];
            }

            return;
        }

        for (nint p = 0; p < depth; p++, source += sourceStride, packed += stride)
        {
            for (int i = 0; i < stride; i += lanes) (Vector256.Load(source + i) ^ sign).Store(packed + i);
        }
    }

    /// <summary>Source rows are contiguous along the depth: small transposes in registers, where the processor has the shuffles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(T* source, nint sourceStride, int width, nint depth, int stride, bool isNegated, T* packed)
    {
        int lanes = Vector256<T>.Count;
        nint vectorDepth = Avx.IsSupported && stride % lanes == 0 ? depth / 4 * 4 : 0;
        Vector256<T> sign = isNegated ? SignBits() : default;
        for (nint p0 = 0; p0 < vectorDepth; p0 += DepthAtOnce)
        {
            nint p1 = nint.Min(p0 + DepthAtOnce, vectorDepth);
            for (int i = 0; i < width; i += lanes)
            {
                T* row = source + (i * sourceStride);
                int rows = Math.Min(lanes, width - i);
                if (typeof(T) == typeof(float))
                    Transpose8((float*)row, sourceStride, rows, p0, p1, stride, sign.AsSingle(), (float*)packed + i);
                else
                    Transpose4((double*)row, sourceStride, rows, p0, p1, stride, sign.AsDouble(), (double*)packed + i);
            }
        }

        for (int i = 0; i < width; i++)
        {
            T* row = source + (i * sourceStride);
            for (nint p = vectorDepth; p < depth; p++) packed[(p * stride) + i] = isNegated ? Negate(row[p]) : row[p];
        }
    }

    /// <summary>8 rows by 4 depths at a time; a missing row is read from the last present one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose8(float* source, nint sourceStride, int rows, nint p0, nint p1, int stride, Vector256<float> sign, float* packed)
    {
        float* s0 = source;
        float* s1 = source + (Math.Min(1, rows - 1) * sourceStride);
        float* s2 = source + (Math.Min(2, rows - 1) * sourceStride);
        float* s3 = source + (Math.Min(3, rows - 1) * sourceStride);
        float* s4 = source + (Math.Min(4, rows - 1) * sourceStride);
        float* s5 = source + (Math.Min(5, rows - 1) * sourceStride);
        float* s6 = source + (Math.Min(6, rows - 1) * sourceStride);
        float* s7 = source + (Math.Min(7, rows - 1) * sourceStride);
        float* target = packed + (p0 * stride);
        for (nint p = p0; p < p1; p += 4, target += 4 * stride)
        {
            // rRS: lanes 0..3 ← row R, depths p..p+3; lanes 4..7 ← row S
            Vector256<float> r04 = Vector256.Create(Vector128.Load(s0 + p), Vector128.Load(s4 + p));
            Vector256<float> r15 = Vector256.Create(Vector128.Load(s1 + p), Vector128.Load(s5 + p));
            Vector256<float> r26 = Vector256.Create(Vector128.Load(s2 + p), Vector128.Load(s6 + p));
            Vector256<float> r37 = Vector256.Create(Vector128.Load(s3 + p), Vector128.Load(s7 + p));
            Vector256<float> low01 = Avx.UnpackLow(r04, r15);
            Vector256<float> high01 = Avx.UnpackHigh(r04, r15);
            Vector256<float> low23 = Avx.UnpackLow(r26, r37);
            Vector256<float> high23 = Avx.UnpackHigh(r26, r37);
            (Avx.Shuffle(low01, low23, 0x44) ^ sign).Store(target);
            (Avx.Shuffle(low01, low23, 0xEE) ^ sign).Store(target + stride);
            (Avx.Shuffle(high01, high23, 0x44) ^ sign).Store(target + (2 * stride));
            (Avx.Shuffle(high01, high23, 0xEE) ^ sign).Store(target + (3 * stride));
        }
    }

    /// <summary>4 rows by 2 depths at a time; a missing row is read from the last present one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose4(double* source, nint sourceStride, int rows, nint p0, nint p1, int stride, Vector256<double> sign, double* packed)
    {
        double* s0 = source;
        double* s1 = source + (Math.Min(1, rows - 1) * sourceStride);
        double* s2 = source + (Math.Min(2, rows - 1) * sourceStride);
        double* s3 = source + (Math.Min(3, rows - 1) * sourceStride);
        double* target = packed + (p0 * stride);
        for (nint p = p0; p < p1; p += 2, target += 2 * stride)
        {
            Vector256<double> r02 = Vector256.Create(Vector128.Load(s0 + p), Vector128.Load(s2 + p));
            Vector256<double> r13 = Vector256.Create(Vector128.Load(s1 + p), Vector128.Load(s3 + p));
            (Avx.UnpackLow(r02, r13) ^ sign).Store(target);
            (Avx.UnpackHigh(r02, r13) ^ sign).Store(target + stride);
        }
    }

    private static Vector256<T> SignBits()
        => typeof(T) == typeof(double) ? Vector256.Create(-0.0).As<double, T>() : Vector256.Create(-0f).As<float, T>();

    private static T Negate(T value)
    {
        if (typeof(T) == typeof(double))
        {
            double negated = -Unsafe.BitCast<T, double>(value);
            return Unsafe.BitCast<double, T>(negated);
        }

        return Unsafe.BitCast<float, T>(-Unsafe.BitCast<T, float>(value));
    }
}
