namespace Halfbit.Quantization.Steps;

/// <summary>The levels that every weight of one row of a block may take, and the signs that choose among them. Scratch memory of one thread.</summary>
/// <remarks>Weight j stands for base + s·B₁ + t·B₂: μ ± s with one plane (t = 0), μ ± s ± t with two; s, t ≥ 0.</remarks>
internal sealed class LevelRow(int width)
{
    /// <summary>[w], μ + s.</summary>
    public float[] Upper { get; } = new float[width];

    /// <summary>[w], μ − s.</summary>
    public float[] Lower { get; } = new float[width];

    /// <summary>[w], μ.</summary>
    public float[] Mean { get; } = new float[width];

    /// <summary>[w], t; 0 where a weight has one plane.</summary>
    public float[] Second { get; } = new float[width];

    /// <summary>[w], B₁ = ±1 (0 only where a released program says so).</summary>
    public sbyte[] FirstSign { get; } = new sbyte[width];

    /// <summary>[w], B₂.</summary>
    public sbyte[] SecondSign { get; } = new sbyte[width];

    /// <summary>Number of weights w.</summary>
    public int Width => width;

    /// <summary>Sets the levels of a weight.</summary>
    public void Set(int j, float mu, float s, float t)
    {
        Mean[j] = mu;
        Upper[j] = mu + s;
        Lower[j] = mu - s;
        Second[j] = t;
    }

    /// <summary>s·B₁ and t·B₂ of a weight.</summary>
    public (float First, float Second) SignedScales(int j)
    {
        float s = Upper[j] - Mean[j];
        return (FirstSign[j] >= 0 ? s : -s, SecondSign[j] >= 0 ? Second[j] : -Second[j]);
    }

    /// <summary>The value of weight <paramref name="j"/>, both signs ±1.</summary>
    public float Value(int j)
    {
        float value = FirstSign[j] >= 0 ? Upper[j] : Lower[j];
        return Second[j] == 0 ? value : SecondSign[j] >= 0 ? value + Second[j] : value - Second[j];
    }

    /// <summary>The value of weight <paramref name="j"/> in the released programs, where a sign of 0 adds nothing.</summary>
    public float ReleasedValue(int j)
    {
        float value = FirstSign[j] > 0 ? Upper[j] : FirstSign[j] < 0 ? Lower[j] : Mean[j];
        return value + (SecondSign[j] * Second[j]);
    }

    /// <summary>Gives weight <paramref name="j"/> the level nearest to <paramref name="w"/>; among equals the one with more positive signs.</summary>
    public void TakeNearest(int j, float w)
    {
        float t = Second[j];
        float upperRest = w - Upper[j];
        float lowerRest = w - Lower[j];
        sbyte upperSign = (sbyte)(upperRest < 0 ? -1 : 1);
        sbyte lowerSign = (sbyte)(lowerRest < 0 ? -1 : 1);
        bool isUpper = Math.Abs(Math.Abs(upperRest) - t) <= Math.Abs(Math.Abs(lowerRest) - t);
        FirstSign[j] = (sbyte)(isUpper ? 1 : -1);
        SecondSign[j] = isUpper ? upperSign : lowerSign;
    }
}
