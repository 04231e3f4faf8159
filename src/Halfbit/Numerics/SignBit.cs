namespace Halfbit.Numerics;

/// <summary>The sign convention of every stored plane: zero is positive, because one bit has no third value.</summary>
public static class SignBit
{
    /// <summary>+1 for x ≥ 0 (−0 included), −1 for x &lt; 0.</summary>
    public static float Of(float x) => x < 0 ? -1f : 1f;

    /// <summary>Whether the stored bit is set: x ≥ 0.</summary>
    public static bool IsPositive(float x) => !(x < 0);
}
