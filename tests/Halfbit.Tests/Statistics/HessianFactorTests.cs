using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Statistics;
using Halfbit.Tests.Reference;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Statistics;

public sealed class HessianFactorTests
{
    [Theory]
    [InlineData(40, 0.01)]
    [InlineData(40, 1.0)]
    [InlineData(1, 0.01)]
    [InlineData(130, 0.001)]
    public void U_is_the_upper_Cholesky_factor_of_the_damped_inverse(int columns, double damping)
    {
        ToyLayer layer = ToyLayer.Create(1, columns, seed: columns);
        HessianFactor factor = HessianFactor.Create(layer.H, damping);
        AssertNear(Factorization.UpperOfInverse(layer.H, damping), factor.U);
        Assert.DoesNotContain(true, factor.IsDead);
    }

    [Fact]
    public void Dead_columns_count_as_one_before_the_mean_of_the_damping_is_taken()
    {
        ToyLayer layer = ToyLayer.Create(1, 24, seed: 4, dead: [3, 23]);
        Matrix small = new(24, 24, [.. layer.H.Data.Select(h => h * 1e-4f)]); // so that the ones dominate the mean
        Matrix before = Matrix.CopyOf(small.View);
        HessianFactor factor = HessianFactor.Create(small, 0.01);
        Assert.Equal([3, 23], Enumerable.Range(0, 24).Where(j => factor.IsDead[j]));
        double expected = 0.01 * (Enumerable.Range(0, 24).Sum(j => (double)small[j, j]) + 2) / 24;
        Assert.Equal(expected, factor.Delta, 1e-9 * expected);
        Assert.Equal(1 / Math.Sqrt(1 + expected), factor.U[3, 3], 1e-6);
        AssertNear(Factorization.UpperOfInverse(small, 0.01), factor.U);
        Assert.Equal(before.Data, small.Data);
    }

    [Fact]
    public void A_layer_without_any_input_still_has_a_factor()
    {
        HessianFactor factor = HessianFactor.Create(new Matrix(5, 5), 0.01);
        Assert.All(factor.IsDead, Assert.True);
        for (int j = 0; j < 5; j++) Assert.Equal(1 / Math.Sqrt(1.01), factor.U[j, j], 1e-6);
    }

    [Fact]
    public void The_factor_of_the_authors_program_is_met()
    {
        foreach (ReferenceCase entry in ReferenceCase.In(TestData.AnyPath("reference", "pb-llm")).DistinctBy(e => e.FilePath))
        {
            using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
            Matrix H = ReferenceCase.MatrixOf(file, "H");
            AssertNear(Factorization.UpperOfInverse(H, 0.01), HessianFactor.Create(H, 0.01).U);
            if (file.TryFind("HinvU") is null) continue;
            Matrix expected = ReferenceCase.MatrixOf(file, "HinvU");
            Matrix U = HessianFactor.Create(H, entry.Number("percdamp")).U;
            float bound = 1e-4f * expected.Data.Max(MathF.Abs);
            for (int k = 0; k < U.Data.Length; k++) Assert.InRange(U.Data[k] - expected.Data[k], -bound, bound);
        }
    }

    [Fact]
    public void Hessians_that_cannot_be_used_are_refused_with_the_reason()
    {
        Matrix H = ToyLayer.Create(1, 8, seed: 1).H;
        H[5, 5] = float.NaN;
        Assert.Contains("H[5, 5]", Assert.Throws<NumericsException>(() => HessianFactor.Create(H, 0.01)).Message, StringComparison.Ordinal);
        Matrix indefinite = new(2, 2, [1f, 5f, 5f, 1f]);
        Assert.Contains("--damping", Assert.Throws<NumericsException>(() => HessianFactor.Create(indefinite, 0.01)).Message, StringComparison.Ordinal);
        Matrix hidden = ToyLayer.Create(1, 8, seed: 1).H;
        hidden[2, 6] = hidden[6, 2] = float.PositiveInfinity;
        Assert.Throws<NumericsException>(() => HessianFactor.Create(hidden, 0.01));
        Assert.Throws<ArgumentException>(() => HessianFactor.Create(new Matrix(2, 3), 0.01));
    }

    [Fact]
    public void Layers_with_the_same_input_share_one_factor()
    {
        LayerStatistics statistics = ToyLayer.Create(1, 8, seed: 1).Statistics;
        Assert.Same(statistics.Factor(0.01), statistics.Factor(0.01));
        Assert.NotSame(statistics.Factor(0.01), statistics.Factor(0.02));
    }

    private static void AssertNear(double[,] expected, Matrix actual)
    {
        double largest = expected.Cast<double>().Max(Math.Abs);
        for (int i = 0; i < actual.Rows; i++)
        {
            for (int j = 0; j < actual.Columns; j++)
                Assert.True(Math.Abs(expected[i, j] - actual[i, j]) <= 1e-6 * largest, $"[{i}, {j}]: expected {expected[i, j]}, got {actual[i, j]}");
        }
    }
}
