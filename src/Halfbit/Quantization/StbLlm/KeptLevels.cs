using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>Levels of kept weights: none of them is zero, so that an N:M pattern can be read off the weights themselves.</summary>
internal static class KeptLevels
{
    /// <summary>The levels, moved as little as their formats allow where one of them is zero.</summary>
    /// <param name="levels">Stored levels.</param>
    /// <param name="hasMean">Whether the mean is stored.</param>
    /// <param name="muFormat">How means are stored.</param>
    /// <param name="alphaFormat">How scales are stored.</param>
    /// <remarks>Zero levels come from groups that hold nothing but zeros, or a zero and another weight.</remarks>
    public static SignLevels WithoutZeros(SignLevels levels, bool hasMean, ScaleFormat muFormat, ScaleFormat alphaFormat)
    {
        if (levels is { Mu: 0, First: 0 }) levels = levels with { First = SmallestOf(alphaFormat) };
        for (int power = -24; HasZero(levels) && power < 0; power++)
        {
            // A larger mean, or a smaller second scale: by ever larger shares until a rounded value moves.
            float share = MathF.ScaleB(1f, power);
            levels = hasMean
                ? levels with { Mu = muFormat.Round(levels.Mu + (share * (levels.First + levels.Second))) }
                : levels with { Second = alphaFormat.Round(levels.Second * (1 - share)) };
        }

        return levels;
    }

    private static bool HasZero(SignLevels levels)
        => levels.Value(1, 1) == 0 || levels.Value(1, -1) == 0 || levels.Value(-1, 1) == 0 || levels.Value(-1, -1) == 0;

    private static float SmallestOf(ScaleFormat format) => format.Kind switch
    {
        ScaleKind.Half => format.Decode(Half.Epsilon),
        ScaleKind.Byte => format.Decode((byte)1),
        _ => float.Epsilon,
    };
}
