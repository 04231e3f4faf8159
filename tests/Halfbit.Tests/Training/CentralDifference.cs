namespace Halfbit.Tests.Training;

/// <summary>Compares gradients with differences of the loss, in double precision.</summary>
/// <remarks>
/// The difference of fourth order, (8·(L(h) − L(−h)) − (L(2h) − L(−2h))) / 12h with h = 10⁻³, is off by about h⁴·|L⁗′|/30 + 10⁻¹⁶·|L|/h:
/// some 10⁻¹³ for losses and derivatives of size one. The bound of 10⁻⁸ leaves room for steeper functions and is far below any wrong term.
/// </remarks>
internal static class CentralDifference
{
    /// <summary>Difference allowed between a gradient and its difference quotient, relative to the largest element of that gradient.</summary>
    public const double Tolerance = 1e-8;

    private const double Step = 1e-3;

    /// <summary>Element by element for inputs of at most this size; larger ones get directions only.</summary>
    private const int ElementsAtMost = 200;

    /// <summary>Checks every element and some random directions.</summary>
    /// <param name="loss">L as a function of <paramref name="values"/>, read anew at each call.</param>
    /// <param name="values">The input; as before on return.</param>
    /// <param name="gradient">dL/dvalues, claimed.</param>
    /// <param name="what">Named when the check fails.</param>
    /// <param name="tolerance">Relative to the largest element of the gradient.</param>
    public static void Check(Func<double> loss, double[] values, double[] gradient, string what, double tolerance = Tolerance)
    {
        Assert.Equal(values.Length, gradient.Length);
        double largest = gradient.Max(Math.Abs);
        Assert.True(double.IsFinite(largest), $"{what}: a gradient is not finite");
        double bound = tolerance * Math.Max(largest, 1e-3);
        var direction = new double[values.Length];
        if (values.Length <= ElementsAtMost)
        {
            for (int index = 0; index < values.Length; index++)
            {
                direction[index] = 1;
                double expected = Quotient(loss, values, direction);
                direction[index] = 0;
                Assert.True(
                    Math.Abs(gradient[index] - expected) <= bound,
                    $"{what}: element {index} is {gradient[index]:r}, the difference quotient {expected:r}, bound {bound:g2}");
            }
        }

        var random = new Random(values.Length);
        for (int round = 0; round < 3; round++)
        {
            double along = 0;
            for (int index = 0; index < direction.Length; index++)
            {
                direction[index] = random.Next(2) == 0 ? 1 : -1;
                along += direction[index] * gradient[index];
            }

            // the step along a direction of n elements of size 1 is √n long: shorter steps keep the higher derivatives as small
            double shrink = 1 / Math.Sqrt(values.Length);
            for (int index = 0; index < direction.Length; index++) direction[index] *= shrink;
            double quotient = Quotient(loss, values, direction) / shrink;
            double allowed = bound * values.Length;
            Assert.True(Math.Abs(along - quotient) <= allowed, $"{what}: along a direction {along:r}, the difference quotient {quotient:r}, bound {allowed:g2}");
        }
    }

    private static double Quotient(Func<double> loss, double[] values, double[] direction)
    {
        double[] before = (double[])values.Clone();
        double At(double step)
        {
            for (int index = 0; index < values.Length; index++) values[index] = before[index] + (step * direction[index]);
            return loss();
        }

        double near = At(Step) - At(-Step);
        double far = At(2 * Step) - At(-2 * Step);
        before.CopyTo(values, 0);
        return ((8 * near) - far) / (12 * Step);
    }
}
