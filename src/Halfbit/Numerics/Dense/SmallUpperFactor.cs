using System.Globalization;

namespace Halfbit.Numerics;

/// <summary>The end of the recursion for U with H⁻¹ = Uᵀ·U: a block small enough for plain loops.</summary>
internal static unsafe class SmallUpperFactor
{
    /// <summary>Replaces a block: H on and above the diagonal becomes U, zero below.</summary>
    /// <param name="block">[size, size].</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="size">Rows and columns.</param>
    /// <param name="first">Index of the block's first row in the whole matrix, for the message.</param>
    /// <exception cref="NumericsException">A pivot is not positive and finite.</exception>
    public static void Invert(double* block, nint stride, int size, int first)
    {
        Factor(block, stride, size, first);
        InvertTriangle(block, stride, size);
    }

    /// <summary>H = R·Rᵀ from the last column to the first; column j of R then corrects the columns before it.</summary>
    private static void Factor(double* block, nint stride, int size, int first)
    {
        for (int j = size - 1; j >= 0; j--)
        {
            double pivot = block[(j * stride) + j];
            if (!(pivot > 0 && double.IsFinite(pivot))) throw NotPositiveDefinite(first + j, pivot);
            double root = Math.Sqrt(pivot);
            for (int i = 0; i < j; i++) block[(i * stride) + j] /= root;
            block[(j * stride) + j] = root;
            for (int i = 0; i < j; i++)
            {
                double* row = block + (i * stride);
                for (int k = i; k < j; k++) row[k] -= row[j] * block[(k * stride) + j];
            }
        }
    }

    /// <summary>U = R⁻¹ in place, from the last row to the first: U[i, ·] = −(R[i, i+1..]·U[i+1.., ·]) / R[i, i].</summary>
    private static void InvertTriangle(double* block, nint stride, int size)
    {
        double* sums = stackalloc double[size];
        for (int i = size - 1; i >= 0; i--)
        {
            double* row = block + (i * stride);
            for (int j = 0; j < size; j++) sums[j] = 0;
            for (int k = i + 1; k < size; k++)
            {
                double* below = block + (k * stride);
                for (int j = k; j < size; j++) sums[j] += row[k] * below[j];
            }

            double reciprocal = 1 / row[i];
            for (int j = 0; j < i; j++) row[j] = 0;
            row[i] = reciprocal;
            for (int j = i + 1; j < size; j++) row[j] = -sums[j] * reciprocal;
        }
    }

    private static NumericsException NotPositiveDefinite(int index, double pivot)
        => new(string.Create(CultureInfo.InvariantCulture, $"H is not positive definite (pivot {index} = {pivot:g3} after damping)"));
}
