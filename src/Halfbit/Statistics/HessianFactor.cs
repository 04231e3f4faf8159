using Halfbit.Numerics;

namespace Halfbit.Statistics;

/// <summary>What error feedback and Hessian salience need of a layer's Hessian: U with (H + δI)⁻¹ = Uᵀ·U, and the dead columns.</summary>
public sealed class HessianFactor
{
    private HessianFactor(Matrix u, bool[] isDead, double delta)
    {
        U = u;
        IsDead = isDead;
        Delta = delta;
    }

    /// <summary>[n, n], upper triangular.</summary>
    public Matrix U { get; }

    /// <summary>[n]; input features that were zero in the whole calibration (H_jj = 0). Their H_jj counts as 1, and weights there are set to zero.</summary>
    public bool[] IsDead { get; }

    /// <summary>δ, added to every diagonal element: damping·mean(diag H), the mean taken after dead columns got H_jj = 1.</summary>
    public double Delta { get; }

    /// <summary>Damps and factors a Hessian.</summary>
    /// <param name="H">[n, n], symmetric, undamped; not changed.</param>
    /// <param name="dampingFraction">Share of mean(diag H) added to the diagonal, &gt; 0; the papers use 0.01.</param>
    /// <exception cref="NumericsException">H holds a value that is not finite, or is not positive definite even when damped.</exception>
    public static HessianFactor Create(Matrix H, double dampingFraction)
    {
        ArgumentNullException.ThrowIfNull(H);
        int n = H.Columns;
        if (H.Rows != n) throw new ArgumentException($"H is [{H.Rows}, {n}], expected a square matrix", nameof(H));
        var isDead = new bool[n];
        double trace = 0;
        for (int j = 0; j < n; j++)
        {
            float diagonal = H[j, j];
            if (!float.IsFinite(diagonal)) throw new NumericsException($"H[{j}, {j}] is {diagonal}; the calibration inputs hold values that are not finite");
            isDead[j] = diagonal == 0;
            trace += isDead[j] ? 1 : diagonal;
        }

        double delta = dampingFraction * trace / n;
        Matrix U = Matrix.CopyOf(H.View);
        for (int j = 0; j < n; j++) U[j, j] = (float)((isDead[j] ? 1 : H[j, j]) + delta);
        try
        {
            UpperFactor.OfInverse(U.View, U.View);
        }
        catch (NumericsException exception)
        {
            throw new NumericsException($"{exception.Message}; raise --damping (now {dampingFraction}) or use more calibration samples", exception);
        }

        return new HessianFactor(U, isDead, delta);
    }
}
