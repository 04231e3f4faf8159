namespace Halfbit.Quantization.Steps;

/// <summary>The stored levels of one row's cells of a group: μ ± α₀, or μ ± α₀ ± α₁ with a residual plane.</summary>
/// <param name="Mu">Mean μ.</param>
/// <param name="First">Scale α₀ ≥ 0.</param>
/// <param name="Second">Scale α₁ ≥ 0 of the residual plane.</param>
/// <param name="Planes">1 or 2.</param>
internal readonly record struct SignLevels(float Mu, float First, float Second, int Planes)
{
    /// <summary>The level that a pair of signs stands for, in the order of operations of the stored form.</summary>
    /// <param name="first">Sign of the first plane: −1, 0 or +1 (0 only in what a released program computes).</param>
    /// <param name="second">Sign of the second plane; without meaning when there is one plane.</param>
    public float Value(int first, int second)
    {
        float value = Mu + (first * First);
        return Planes == 1 ? value : value + (second * Second);
    }

    /// <summary>The signs of the level nearest to <paramref name="w"/>; on a tie the upper one, sign(0) = +1.</summary>
    public (int First, int Second) Nearest(float w)
    {
        float c = w - Mu;
        int sign = 1 - (c < 0 ? 2 : 0); // no branch on what is hard to predict
        if (Planes == 1) return (sign, 1);
        return Second <= First ? (sign, 1 - (c - (sign * First) < 0 ? 2 : 0)) : (1 - (c - (sign * Second) < 0 ? 2 : 0), sign); // the larger scale decides first
    }
}
