using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Halfbit.Packing;

/// <summary>Codes of a piece of a row to single precision, with the very expressions of the logical matrices.</summary>
internal static class RowExpansion
{
    /// <summary>Signs: a set bit becomes <paramref name="plus"/>, a cleared one <paramref name="minus"/>.</summary>
    /// <param name="plane">Bits of the whole row; column j is bit j mod 8 of byte j / 8.</param>
    /// <param name="start">First column.</param>
    /// <param name="plus">μ + α.</param>
    /// <param name="minus">μ − α.</param>
    /// <param name="destination">[n]; columns start .. start + n − 1.</param>
    public static void Signs(ReadOnlySpan<byte> plane, int start, float plus, float minus, Span<float> destination)
    {
        int done = Math.Min(destination.Length, -start & 7);
        SignsScalar(plane, start, plus, minus, destination[..done]);
        if (Vector512.IsHardwareAccelerated)
        {
            // lane k of 16: bit k of two bytes
            Vector512<int> lane = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
            Vector512<float> pluses = Vector512.Create(plus);
            Vector512<float> minuses = Vector512.Create(minus);
            for (; done + 16 <= destination.Length; done += 16)
            {
                Vector512<int> bits = Vector512.Create((int)BinaryPrimitives.ReadUInt16LittleEndian(plane[((start + done) >> 3)..])) & lane;
                Vector512.ConditionalSelect(Vector512.Equals(bits, lane).AsSingle(), pluses, minuses).CopyTo(destination[done..]);
            }
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            // lane k of 8: bit k of one byte
            Vector256<int> lane = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
            Vector256<float> pluses = Vector256.Create(plus);
            Vector256<float> minuses = Vector256.Create(minus);
            for (; done + 8 <= destination.Length; done += 8)
            {
                Vector256<int> bits = Vector256.Create((int)plane[(start + done) >> 3]) & lane;
                Vector256.ConditionalSelect(Vector256.Equals(bits, lane).AsSingle(), pluses, minuses).CopyTo(destination[done..]);
            }
        }

        SignsScalar(plane, start + done, plus, minus, destination[done..]);
    }

    /// <summary>The definition of <see cref="Signs"/>.</summary>
    public static void SignsScalar(ReadOnlySpan<byte> plane, int start, float plus, float minus, Span<float> destination)
    {
        for (int k = 0; k < destination.Length; k++)
        {
            int j = start + k;
            destination[k] = (plane[j >> 3] >> (j & 7) & 1) != 0 ? plus : minus;
        }
    }

    /// <summary>Grid codes: scale · (code − zero).</summary>
    /// <param name="codes">[n], one byte each.</param>
    /// <param name="scale">Grid step.</param>
    /// <param name="zero">The code of 0.</param>
    /// <param name="destination">[n].</param>
    public static void Grid(ReadOnlySpan<byte> codes, float scale, int zero, Span<float> destination)
    {
        int done = 0;
        int width = Vector<byte>.Count;
        var scales = new Vector<float>(scale);
        var zeros = new Vector<int>(zero);
        for (; done + width <= destination.Length; done += width)
        {
            Vector.Widen(new Vector<byte>(codes[done..]), out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> a, out Vector<uint> b);
            Vector.Widen(high, out Vector<uint> c, out Vector<uint> d);
            Span<float> piece = destination.Slice(done, width);
            int quarter = width / 4;
            (scales * Vector.ConvertToSingle(Vector.AsVectorInt32(a) - zeros)).CopyTo(piece);
            (scales * Vector.ConvertToSingle(Vector.AsVectorInt32(b) - zeros)).CopyTo(piece[quarter..]);
            (scales * Vector.ConvertToSingle(Vector.AsVectorInt32(c) - zeros)).CopyTo(piece[(2 * quarter)..]);
            (scales * Vector.ConvertToSingle(Vector.AsVectorInt32(d) - zeros)).CopyTo(piece[(3 * quarter)..]);
        }

        GridScalar(codes[done..], scale, zero, destination[done..]);
    }

    /// <summary>The definition of <see cref="Grid"/>.</summary>
    public static void GridScalar(ReadOnlySpan<byte> codes, float scale, int zero, Span<float> destination)
    {
        for (int k = 0; k < destination.Length; k++) destination[k] = scale * (codes[k] - zero);
    }
}
