using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>The levels μ ± α₀ (± α₁) of one group of one row, as they are stored.</summary>
/// <param name="Mu">Mean; 0 without means.</param>
/// <param name="First">α₀ ≥ 0.</param>
/// <param name="Second">α₁ ≥ 0; 0 with one plane.</param>
/// <param name="Planes">1 or 2.</param>
internal readonly record struct StoredLevels(float Mu, float First, float Second, int Planes)
{
    /// <summary>Rounds fitted levels to their formats.</summary>
    /// <param name="mu">Mean.</param>
    /// <param name="alpha">[planes], scales.</param>
    /// <param name="muFormat">How means are stored.</param>
    /// <param name="alphaFormat">How scales are stored.</param>
    public static StoredLevels Of(float mu, ReadOnlySpan<float> alpha, ScaleFormat muFormat, ScaleFormat alphaFormat)
        => new(muFormat.Round(mu), alphaFormat.Round(alpha[0]), alpha.Length > 1 ? alphaFormat.Round(alpha[1]) : 0f, alpha.Length);

    /// <summary>What a weight with these signs stands for, in the arithmetic of <see cref="GroupedSignMatrix"/>.</summary>
    public float Value(bool isUpper, bool isSecondUpper)
    {
        float value = Mu + (isUpper ? First : -First);
        return Planes == 1 ? value : value + (isSecondUpper ? Second : -Second);
    }

    /// <summary>The signs of the nearest level; of equally near ones that with the first sign up, then that with the second.</summary>
    public (bool IsUpper, bool IsSecondUpper) Nearest(float w)
    {
        if (Planes == 1) return (w >= Mu, false);
        (bool, bool) best = (true, true);
        float least = MathF.Abs(w - Value(true, true));
        Try(true, false, this);
        Try(false, true, this);
        Try(false, false, this);
        return best;

        void Try(bool isUpper, bool isSecondUpper, StoredLevels levels)
        {
            float distance = MathF.Abs(w - levels.Value(isUpper, isSecondUpper));
            if (distance < least) (best, least) = ((isUpper, isSecondUpper), distance);
        }
    }

    /// <summary>Levels none of which is zero: those kept weights have, so that an N:M pattern can be read off the weights themselves.</summary>
    /// <param name="hasMean">Whether the mean is stored.</param>
    /// <param name="muFormat">How means are stored.</param>
    /// <param name="alphaFormat">How scales are stored.</param>
    /// <remarks>Zero levels come from groups that hold nothing but zeros, or as many zeros as equal weights; the smallest change that the formats allow removes them.</remarks>
    public StoredLevels WithoutZeros(bool hasMean, ScaleFormat muFormat, ScaleFormat alphaFormat)
    {
        StoredLevels levels = this;
        if (levels.Mu == 0 && levels.First == 0) levels = levels with { First = SmallestOf(alphaFormat) };
        for (int power = -24; levels.HasZero && power < 0; power++)
        {
            // A larger mean, or a smaller second scale: by ever larger shares until a rounded value moves.
            float share = MathF.ScaleB(1f, power);
            levels = hasMean
                ? levels with { Mu = muFormat.Round(levels.Mu + (share * (levels.First + levels.Second))) }
                : levels with { Second = alphaFormat.Round(levels.Second * (1 - share)) };
        }

        return levels;
    }

    private bool HasZero => Value(true, true) == 0 || Value(true, false) == 0 || Value(false, true) == 0 || Value(false, false) == 0;

    private static float SmallestOf(ScaleFormat format) => format.Kind switch
    {
        ScaleKind.Half => format.Decode(Half.Epsilon),
        ScaleKind.Byte => format.Decode((byte)1),
        _ => float.Epsilon,
    };
}
