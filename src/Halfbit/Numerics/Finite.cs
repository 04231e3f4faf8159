using System.Numerics.Tensors;

namespace Halfbit.Numerics;

/// <summary>The search for values that are not finite, at the borders where matrices come in.</summary>
public static class Finite
{
    /// <summary>Throws when a matrix holds NaN or infinity, naming the first such element.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="what">What it is: file and tensor, for the message.</param>
    /// <exception cref="NumericsException">A value is not finite.</exception>
    public static void Check(Matrix matrix, string what)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        for (int i = 0; i < matrix.Rows; i++)
        {
            int j = FirstNotFinite(matrix.Row(i));
            if (j >= 0) throw new NumericsException($"{what} holds {matrix[i, j]} at [{i}, {j}]; a weight that is not finite cannot be used, fetch or export the file again");
        }
    }

    /// <summary>Index of the first value that is not finite, or -1.</summary>
    public static int FirstNotFinite(ReadOnlySpan<float> values)
    {
        if (TensorPrimitives.IsFiniteAll(values)) return -1;
        for (int j = 0; j < values.Length; j++)
        {
            if (!float.IsFinite(values[j])) return j;
        }

        return -1;
    }
}
