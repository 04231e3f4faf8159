using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>A uniform grid s·(q − z) with q ∈ [0, <see cref="Levels"/>).</summary>
/// <param name="Scale">Grid step s, &gt; 0.</param>
/// <param name="Zero">Code z that stands for 0.</param>
/// <param name="Levels">Number of codes.</param>
internal readonly record struct AffineGrid(float Scale, int Zero, int Levels)
{
    /// <summary>The asymmetric min-max grid over [min(low, 0), max(high, 0)]; both 0: [-1, 1].</summary>
    /// <remarks>As GPTQ's quantizer: s = (hi − lo)/(levels − 1), z = round(−lo/s), half to even.</remarks>
    public static AffineGrid FromRange(float low, float high, int levels, ScaleFormat format)
    {
        float lo = MathF.Min(low, 0f);
        float hi = MathF.Max(high, 0f);
        if (lo == 0 && hi == 0) (lo, hi) = (-1f, 1f);
        float scale = Storable((hi - lo) / (levels - 1), format);
        return new AffineGrid(scale, (int)Math.Clamp(MathF.Round(-lo / scale), short.MinValue, short.MaxValue), levels);
    }

    /// <summary>The symmetric grid with codes from −levels/2 to levels/2 − 1 and s = 2·max|w|/(levels − 1).</summary>
    public static AffineGrid Symmetric(float low, float high, int levels, ScaleFormat format)
    {
        float magnitude = MathF.Max(MathF.Abs(low), MathF.Abs(high));
        if (magnitude == 0) magnitude = 1f;
        return new AffineGrid(Storable(2 * magnitude / (levels - 1), format), levels / 2, levels);
    }

    /// <summary>The nearest code, clamped to the grid.</summary>
    public int Encode(float w) => (int)Math.Clamp(MathF.Round(w / Scale) + Zero, 0f, Levels - 1);

    /// <summary>The value of a code.</summary>
    public float Decode(int code) => Scale * (code - Zero);

    /// <summary>A step that the format can store; never zero.</summary>
    public static float Storable(float scale, ScaleFormat format)
    {
        float rounded = format.Round(scale);
        return rounded > 0 ? rounded : format.IsHalf ? format.Decode(Half.Epsilon) : float.Epsilon;
    }
}
