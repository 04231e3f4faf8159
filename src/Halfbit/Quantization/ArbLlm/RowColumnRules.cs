namespace Halfbit.Quantization.ArbLlm;

/// <summary>How row and column scales are fitted.</summary>
/// <param name="Iterations">Rounds; 15 in the paper.</param>
/// <param name="Tiny">Added to every divisor, as in the released program; 0: a quotient with a divisor of zero is zero.</param>
/// <param name="ZeroSign">sign(0): 1, or 0 as in the released program.</param>
internal readonly record struct RowColumnRules(int Iterations, double Tiny, float ZeroSign)
{
    /// <summary>As the released program has it.</summary>
    public static RowColumnRules Released(int iterations) => new(iterations, RowRefinement.Tiny, 0f);

    /// <summary>α or β.</summary>
    public double Quotient(double numerator, double divisor)
    {
        double guarded = divisor + Tiny;
        return guarded > 0 ? numerator / guarded : 0;
    }

    /// <summary>The sign of a weight.</summary>
    public float Sign(float x) => x < 0 ? -1f : x > 0 ? 1f : ZeroSign;
}
