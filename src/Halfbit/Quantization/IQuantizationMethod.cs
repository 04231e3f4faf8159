using Halfbit.Numerics;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization;

/// <summary>A way to quantize one weight matrix. Pure: no model, file, log, clock or bit layout.</summary>
public interface IQuantizationMethod
{
    /// <summary>The method's name, as on the command line.</summary>
    string Name { get; }

    /// <summary>Whether it needs the layer's Hessian, and so a calibration.</summary>
    bool NeedsHessian { get; }

    /// <summary>The resolved options, by their command-line names, as text.</summary>
    IReadOnlyDictionary<string, string> Options { get; }

    /// <summary>Quantizes a matrix.</summary>
    /// <param name="W">[out, in], finite; not changed.</param>
    /// <param name="statistics">Calibration statistics of the layer's input; null only when <see cref="NeedsHessian"/> is false.</param>
    /// <param name="format">How scales will be stored: they are rounded to it before they are used, so that error feedback sees the stored values.</param>
    /// <exception cref="NumericsException">The Hessian cannot be factored.</exception>
    LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format);
}
