namespace Halfbit.Quantization.PbLlm;

/// <summary>How the levels of the low weights are fitted before the walk.</summary>
/// <param name="SensitivityPower">Each low weight counts with (1/d²) to this power: 1 its curvature, 0 all alike.</param>
/// <param name="Stretch">Factor on the fitted scales, &gt; 0.</param>
/// <remarks>
/// Levels are fitted to the weights as they are, but the walk meets weights that carry the errors of all columns before them and lie wider apart.
/// How much wider depends on the layer; so both numbers are searched for (<see cref="LowFitSearch"/>).
/// </remarks>
internal readonly record struct LowFit(double SensitivityPower, double Stretch)
{
    /// <summary>Least squares over the low weights, all alike.</summary>
    public static LowFit Plain => new(0, 1);
}
