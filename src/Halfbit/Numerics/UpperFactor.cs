namespace Halfbit.Numerics;

/// <summary>The factor of an inverse that error feedback needs: upper triangular U with H⁻¹ = Uᵀ·U.</summary>
public static class UpperFactor
{
    /// <summary>Computes U from a symmetric positive definite H.</summary>
    /// <param name="H">[n, n], symmetric, damped; only the upper triangle is read.</param>
    /// <param name="U">[n, n], destination; zero below the diagonal. May be the same memory as <paramref name="H"/>.</param>
    /// <remarks>
    /// H = R·Rᵀ with R upper triangular (a Cholesky factorization that starts at the last column) and U = R⁻¹:
    /// U·H·Uᵀ = I, hence H⁻¹ = Uᵀ·U. Two thirds of n³ operations instead of four thirds by way of the inverse. Double precision inside,
    /// in one workspace of about 8·n² bytes. The same bits for any number of threads and any kernel (on a processor without fused
    /// multiply-add the last bits inside may differ from those elsewhere).
    /// </remarks>
    /// <exception cref="ArgumentException">The matrices are not square or not of one size.</exception>
    /// <exception cref="NumericsException">H is not positive definite, or not finite: the pivot is named. U is then unchanged.</exception>
    public static void OfInverse(MatrixView<float> H, MatrixView<float> U)
        => OfInverse(DenseKernel.TileOf<double>(DenseKernel.Current), H, U);

    /// <summary>As the public form, with a chosen tile.</summary>
    internal static void OfInverse(TileKernel<double> kernel, MatrixView<float> H, MatrixView<float> U)
    {
        int n = H.Rows;
        if (H.Columns != n || U.Rows != n || U.Columns != n)
            throw new ArgumentException($"H [{H.Rows}, {H.Columns}] and U [{U.Rows}, {U.Columns}] must be square and of one size");
        if (n > 0) RecursiveUpperFactor.Compute(kernel, H, U);
    }
}
