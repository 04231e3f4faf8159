using Halfbit.Models;

namespace Halfbit.Training;

/// <summary>The standard normal distribution: Φ(x) and its density φ(x), to double precision, faster than a series from zero.</summary>
/// <remarks>
/// Around the nearest node a of a table, with d = x − a: φ(x) = Σₙ cₙ·dⁿ with cₙ = φ(a)·(−1)ⁿ·Heₙ(a)/n! (Rodrigues' formula), and Φ(x) = Φ(a) + Σₙ cₙ·dⁿ⁺¹/(n + 1).
/// With |d| ≤ 1/128, the terms after d⁶ are below 10⁻¹⁶, and below 10⁻¹¹ of the density itself.
/// </remarks>
internal static class NormalDistribution
{
    private const int NodesPerUnit = 64;
    private const int Limit = 9;                    // Φ(−9) is below 10⁻¹⁸
    private const int Width = 8;

    /// <summary>[nodes, 8]: Φ(a), c₀ … c₆.</summary>
    private static readonly double[] Nodes = MakeNodes();

    /// <summary>Φ(x) and φ(x).</summary>
    public static (double Cumulative, double Density) At(double x)
    {
        if (!(Math.Abs(x) < Limit)) return double.IsNaN(x) ? (x, x) : (x > 0 ? 1 : 0, Density(x));
        int node = (int)(((x + Limit) * NodesPerUnit) + 0.5);
        double d = x - (((double)node / NodesPerUnit) - Limit);
        ReadOnlySpan<double> c = Nodes.AsSpan(node * Width, Width);
        double density = c[7];
        double integral = c[7] * (1.0 / 7);
        density = (density * d) + c[6];
        integral = (integral * d) + (c[6] * (1.0 / 6));
        density = (density * d) + c[5];
        integral = (integral * d) + (c[5] * (1.0 / 5));
        density = (density * d) + c[4];
        integral = (integral * d) + (c[4] * (1.0 / 4));
        density = (density * d) + c[3];
        integral = (integral * d) + (c[3] * (1.0 / 3));
        density = (density * d) + c[2];
        integral = (integral * d) + (c[2] * (1.0 / 2));
        density = (density * d) + c[1];
        integral = (integral * d) + c[1];
        return (c[0] + (d * integral), density);
    }

    private static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);

    private static double[] MakeNodes()
    {
        var nodes = new double[((2 * Limit * NodesPerUnit) + 1) * Width];
        for (int node = 0; node < nodes.Length / Width; node++)
        {
            double a = ((double)node / NodesPerUnit) - Limit;
            Span<double> row = nodes.AsSpan(node * Width, Width);
            row[0] = 0.5 * (1 + Activations.ErrorFunction(a / Math.Sqrt(2)));
            row[1] = Density(a);
            for (int n = 1; n <= 6; n++)
            {
                // from Heₙ = a·Heₙ₋₁ − (n − 1)·Heₙ₋₂
                double beforeLast = n == 1 ? 0 : row[n - 1];
                row[n + 1] = -((a * row[n]) + beforeLast) / n;
            }
        }

        return nodes;
    }
}
