using System.Runtime.Intrinsics;

namespace Halfbit.Models;

/// <summary>Sums in sixteen lanes: element j goes to lane j mod 16 in ascending order, then the lanes are added in a fixed tree. The result does not depend on vector width or memory address.</summary>
internal static class LaneSum
{
    /// <summary>Elements per step.</summary>
    public const int Lanes = 16;

    /// <summary>Σ x. Zeros in front (in multiples of <see cref="Lanes"/>) or behind do not change a bit.</summary>
    public static float Of(ReadOnlySpan<float> x)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        int j = 0;
        for (; j <= x.Length - Lanes; j += Lanes) sum += Vector512.Create(x.Slice(j, Lanes));
        if (j < x.Length) sum += Tail(x[j..]);
        return Tree(sum);
    }

    /// <summary>Σ x².</summary>
    public static float OfSquares(ReadOnlySpan<float> x)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        int j = 0;
        for (; j <= x.Length - Lanes; j += Lanes)
        {
            Vector512<float> part = Vector512.Create(x.Slice(j, Lanes));
            sum += part * part;
        }

        if (j < x.Length)
        {
            Vector512<float> tail = Tail(x[j..]);
            sum += tail * tail;
        }

        return Tree(sum);
    }

    /// <summary>Σ x in double precision, eight lanes.</summary>
    public static double InDouble(ReadOnlySpan<float> x)
    {
        Vector512<double> sum = Vector512<double>.Zero;
        int j = 0;
        for (; j <= x.Length - Lanes; j += Lanes)
        {
            Vector512<float> part = Vector512.Create(x.Slice(j, Lanes));
            sum += Vector512.WidenLower(part) + Vector512.WidenUpper(part);
        }

        double total = 0;
        for (int k = 0; k < 8; k++) total += sum[k];
        for (; j < x.Length; j++) total += x[j];
        return total;
    }

    private static Vector512<float> Tail(ReadOnlySpan<float> rest)
    {
        Span<float> padded = stackalloc float[Lanes];
        padded.Clear();
        rest.CopyTo(padded);
        return Vector512.Create((ReadOnlySpan<float>)padded);
    }

    /// <summary>Lanes k and k + 8, then k and k + 4, k + 2, k + 1.</summary>
    private static float Tree(Vector512<float> lanes)
    {
        Vector256<float> eight = lanes.GetLower() + lanes.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        Vector64<float> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }
}
