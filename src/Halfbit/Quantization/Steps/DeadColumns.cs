using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Input features that never fire: their weights do not matter and are set to zero before quantization.</summary>
internal static class DeadColumns
{
    /// <summary>A copy of <paramref name="W"/> without its dead columns' weights, or the matrix itself when none is dead.</summary>
    /// <param name="W">[rows, n]; not changed.</param>
    /// <param name="isDead">[n]; null: none.</param>
    public static Matrix ClearedCopy(Matrix W, bool[]? isDead)
    {
        if (isDead is null || Array.IndexOf(isDead, true) < 0) return W;
        Matrix alive = Matrix.CopyOf(W.View);
        Clear(alive, isDead);
        return alive;
    }

    /// <summary>Zeroes the dead columns of a matrix.</summary>
    /// <param name="W">[rows, n].</param>
    /// <param name="isDead">[n].</param>
    public static void Clear(Matrix W, bool[] isDead)
    {
        if (Array.IndexOf(isDead, true) < 0) return;
        for (int i = 0; i < W.Rows; i++)
        {
            Span<float> row = W.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (isDead[j]) row[j] = 0f;
            }
        }
    }
}
