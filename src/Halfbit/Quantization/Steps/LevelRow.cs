namespace Halfbit.Quantization.Steps;

/// <summary>The levels that every weight of one row of a block may take, and the signs that choose among them. Scratch memory of one thread.</summary>
/// <remarks>Weight j stands for μ + s·B₁ + t·B₂, in this order of operations; t = 0 with one plane. Signs are ±1, in single precision to spare branches; a sign of 0 (released programs) adds nothing.</remarks>
internal sealed class LevelRow(int width)
{
    /// <summary>Number of weights w.</summary>
    public int Width => width;

    /// <summary>[w], μ.</summary>
    public float[] Mean { get; } = new float[width];

    /// <summary>[w], s ≥ 0.</summary>
    public float[] First { get; } = new float[width];

    /// <summary>[w], t ≥ 0.</summary>
    public float[] Second { get; } = new float[width];

    /// <summary>[w], B₁.</summary>
    public float[] FirstSign { get; } = new float[width];

    /// <summary>[w], B₂; without meaning where there is one plane.</summary>
    public float[] SecondSign { get; } = new float[width];

    /// <summary>Sets the levels of a weight.</summary>
    public void Set(int j, float mu, float s, float t)
    {
        Mean[j] = mu;
        First[j] = s;
        Second[j] = t;
    }

    /// <summary>The value of weight <paramref name="j"/>.</summary>
    public float Value(int j) => Mean[j] + (FirstSign[j] * First[j]) + (SecondSign[j] * Second[j]);

    /// <summary>Gives weight <paramref name="j"/> the level nearest to <paramref name="w"/>; sign(0) = +1. The larger scale decides first.</summary>
    public void TakeNearest(int j, float w)
    {
        float c = w - Mean[j];
        float s = First[j];
        float t = Second[j];
        float large = MathF.CopySign(1f, c); // c is never −0: μ − μ = +0
        float small = MathF.CopySign(1f, c - (large * MathF.Max(s, t)));
        (FirstSign[j], SecondSign[j]) = t <= s ? (large, small) : (small, large);
    }
}
