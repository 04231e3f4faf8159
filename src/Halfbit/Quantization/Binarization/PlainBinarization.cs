using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Binarization;

/// <summary>Options of plain binarization.</summary>
public sealed record PlainBinarizationOptions : MethodOptions
{
    /// <summary>Options without error feedback: the baseline of the field needs no calibration.</summary>
    public PlainBinarizationOptions()
    {
        Compensation = false;
    }

    /// <summary>Whether a mean is stored beside the scale: levels μ ± α (xnor) or ± α (sign).</summary>
    public bool HasMean { get; init; } = true;
}

/// <summary>One sign per weight with one scale (and mean) per row or group: XNOR-Net's weights (arXiv 1603.05279), the baseline that every binary method must beat.</summary>
/// <remarks><c>xnor</c> subtracts the row's mean first, as the PB-LLM program's baseline does; <c>sign</c> does not. α = mean|w − μ| is the least-squares scale.</remarks>
public sealed class PlainBinarization(PlainBinarizationOptions options) : IQuantizationMethod
{
    /// <inheritdoc/>
    public string Name => options.HasMean ? "xnor" : "sign";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => OptionText.Of(options);

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        Matrix Q = Matrix.CopyOf(W.View);
        HessianFactor? factor = options.Compensation ? Calibrated.Factor(statistics, options) : null;
        if (factor is not null) DeadColumns.Clear(Q, factor.IsDead);

        var every = new float[W.Columns];
        every.AsSpan().Fill(1f);
        (float[] mu, float[] alpha) = BinaryFit.PerRowAndGroup(W.Rows, W.Columns, options.GroupSize, format, (i, group) =>
        {
            ReadOnlySpan<float> w = Q.Row(i)[group.Start..group.End];
            ReadOnlySpan<float> omega = every.AsSpan(0, group.Count);
            return options.HasMean ? BinaryFit.MeanAndDeviation(w, omega) : (0f, BinaryFit.MeanMagnitude(w, omega));
        });
        var signs = new SignColumnQuantizer(W.Rows, W.Columns, options.GroupSize, alpha, options.HasMean ? mu : null, null, OnThreshold.Upper, format);
        if (factor is not null) ErrorFeedback.PerColumn(Q, factor.U, signs, options.BlockSize);
        else ErrorFeedback.None(Q, signs);
        return new LayerResult(signs.ToMatrix(), Q, 1);
    }
}
