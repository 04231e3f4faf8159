using System.Numerics;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Rotary positions (arXiv 2104.09864, layout of HF): features i and i + d/2 of each head at position p are turned by the angle φ = p·θᵢ.</summary>
internal static class RotaryOperation
{
    /// <summary>(a, b) ← (a·cos φ − b·sin φ, b·cos φ + a·sin φ).</summary>
    /// <param name="X">[tokens, heads·d], queries or keys, in place; row t is at position t mod length.</param>
    /// <param name="table">Angles of at least <paramref name="length"/> positions.</param>
    /// <param name="heads">Heads in a row.</param>
    /// <param name="length">Tokens of a sequence.</param>
    public static void Forward<T>(Matrix<T> X, RotaryTable<T> table, int heads, int length)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => Turn(X, table, heads, length, isBackward: false);

    /// <summary>The turn by −φ, which is the transpose of a turn by φ: (da, db) ← (da·cos φ + db·sin φ, db·cos φ − da·sin φ).</summary>
    /// <param name="dX">[tokens, heads·d], in place.</param>
    /// <param name="table">As in the forward pass.</param>
    /// <param name="heads">Heads in a row.</param>
    /// <param name="length">Tokens of a sequence.</param>
    public static void Backward<T>(Matrix<T> dX, RotaryTable<T> table, int heads, int length)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => Turn(dX, table, heads, length, isBackward: true);

    private static void Turn<T>(Matrix<T> X, RotaryTable<T> table, int heads, int length, bool isBackward)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(X, X.Rows, heads * table.HeadSize);
        if (length > table.Length) throw new ArgumentException($"sequences of {length} tokens need more angles than those of {table.Length} positions", nameof(length));
        SteadyLoop.For(X.Rows, Grain.Of(X.Columns), (X, table, length, isBackward), static (s, start, end) =>
        {
            int half = s.table.HeadSize / 2;
            for (int t = start; t < end; t++)
            {
                Span<T> row = s.X.Row(t);
                ReadOnlySpan<T> cosines = s.table.Cosines(t % s.length);
                ReadOnlySpan<T> sines = s.table.Sines(t % s.length);
                for (int j = 0; j < row.Length; j += 2 * half)
                {
                    // to turn back is to turn with the roles of a and b exchanged
                    Span<T> a = row.Slice(s.isBackward ? j + half : j, half);
                    Span<T> b = row.Slice(s.isBackward ? j : j + half, half);
                    Turn(a, b, cosines, sines);
                }
            }
        });
    }

    /// <summary>(a, b) ← (a·c − b·s, b·c + a·s); products are rounded before the sum, in vectors and tail alike.</summary>
    private static void Turn<T>(Span<T> a, Span<T> b, ReadOnlySpan<T> cosines, ReadOnlySpan<T> sines)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int i = 0;
        for (; i <= a.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var x = new Vector<T>(a[i..]);
            var y = new Vector<T>(b[i..]);
            var c = new Vector<T>(cosines[i..]);
            var s = new Vector<T>(sines[i..]);
            ((x * c) - (y * s)).CopyTo(a[i..]);
            ((y * c) + (x * s)).CopyTo(b[i..]);
        }

        for (; i < a.Length; i++)
        {
            T x = a[i];
            a[i] = (x * cosines[i]) - (b[i] * sines[i]);
            b[i] = (b[i] * cosines[i]) + (x * sines[i]);
        }
    }
}
