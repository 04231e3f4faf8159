using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// Rotary positions (arXiv 2104.09864): features i and i + d/2 of a head are turned by the position's angle, (a, b) ← (a·cos − b·sin, b·cos + a·sin). Backward is the turn the other way.
/// </summary>
internal static class RotaryOperation
{
    private const int RowsAtOnce = 32;

    /// <summary>Turns every head of every token, in place.</summary>
    /// <param name="X">[tokens, heads·d].</param>
    /// <param name="table">For at least <paramref name="length"/> positions.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="length">Tokens of each sequence.</param>
    public static void Forward<T>(Matrix<T> X, RotaryTable<T> table, int heads, int length)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Turn(X, table, heads, length, T.One);

    /// <summary>Turns gradients back, in place.</summary>
    public static void Backward<T>(Matrix<T> dX, RotaryTable<T> table, int heads, int length)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Turn(dX, table, heads, length, -T.One);

    private static void Turn<T>(Matrix<T> X, RotaryTable<T> table, int heads, int length, T direction)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => RowParallel.For(X.Rows, RowsAtOnce, (start, end) =>
        {
            int half = X.Columns / heads / 2;
            for (int t = start; t < end; t++)
            {
                ReadOnlySpan<T> cosines = table.Cosines.Row(t % length), sines = table.Sines.Row(t % length);
                for (int h = 0; h < heads; h++)
                {
                    Span<T> first = X.Row(t).Slice(2 * half * h, half), second = X.Row(t).Slice((2 * half * h) + half, half);
                    for (int i = 0; i < half; i++)
                    {
                        (T a, T b) = (first[i], second[i]);
                        T sine = direction * sines[i];
                        first[i] = (a * cosines[i]) - (b * sine);
                        second[i] = (b * cosines[i]) + (a * sine);
                    }
                }
            }
        });
}
