using System.Numerics;
using System.Runtime.Intrinsics;

namespace Halfbit.Training;

/// <summary>Sums of a row in a fixed order: elements go to the lanes of 64 bytes in turn, then the lanes are added in a fixed tree.</summary>
/// <remarks>In single precision these are the sums of inference (<see cref="Models.LaneSum"/>), bit for bit.</remarks>
internal static class RowSum
{
    /// <summary>Elements that are summed in their own precision before double precision takes over.</summary>
    private const int Piece = 256;

    /// <summary>Σ x.</summary>
    public static T Of<T>(ReadOnlySpan<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> sum = Vector512<T>.Zero;
        int lanes = Vector512<T>.Count;
        int j = 0;
        for (; j <= x.Length - lanes; j += lanes) sum += Vector512.Create(x.Slice(j, lanes));
        if (j < x.Length) sum += Tail(x[j..]);
        return Tree(sum);
    }

    /// <summary>Σ x·y.</summary>
    public static T OfProducts<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> sum = Vector512<T>.Zero;
        int lanes = Vector512<T>.Count;
        int j = 0;
        for (; j <= x.Length - lanes; j += lanes) sum += Vector512.Create(x.Slice(j, lanes)) * Vector512.Create(y.Slice(j, lanes));
        if (j < x.Length) sum += Tail(x[j..]) * Tail(y[j..]);
        return Tree(sum);
    }

    /// <summary>Σ x in double precision, for long rows.</summary>
    public static double InDouble<T>(ReadOnlySpan<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = 0;
        for (int j = 0; j < x.Length; j += Piece) sum += double.CreateChecked(Of(x.Slice(j, Math.Min(Piece, x.Length - j))));
        return sum;
    }

    /// <summary>Σ x·y in double precision, for long rows.</summary>
    public static double OfProductsInDouble<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = 0;
        for (int j = 0; j < x.Length; j += Piece)
        {
            int count = Math.Min(Piece, x.Length - j);
            sum += double.CreateChecked(OfProducts(x.Slice(j, count), y.Slice(j, count)));
        }

        return sum;
    }

    private static Vector512<T> Tail<T>(ReadOnlySpan<T> rest)
        where T : unmanaged
    {
        Span<T> padded = stackalloc T[Vector512<T>.Count];
        padded.Clear();
        rest.CopyTo(padded);
        return Vector512.Create((ReadOnlySpan<T>)padded);
    }

    /// <summary>The upper half of the lanes onto the lower, until one is left.</summary>
    private static T Tree<T>(Vector512<T> lanes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector256<T> half = lanes.GetLower() + lanes.GetUpper();
        Vector128<T> quarter = half.GetLower() + half.GetUpper();
        return Vector128<T>.Count == 2 ? quarter[0] + quarter[1] : (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
    }
}
