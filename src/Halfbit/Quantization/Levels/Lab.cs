using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Levels;

public sealed record LabOptions : MethodOptions
{
    public int Plain { get; init; } = 1;
    public int SalientGroups { get; init; } = 1;
    public int SalientColumns { get; init; }
    public bool Means { get; init; }
    public bool ColumnScales { get; init; }
    public bool Shared { get; init; }
    public int ScaleBits { get; init; } = 8;
    public NOfM? Keep { get; init; }
}

public sealed class Lab(LabOptions options) : IQuantizationMethod
{
    public string Name => "lab";

    public bool NeedsHessian => options.Compensation;

    public IReadOnlyDictionary<string, string> Options => OptionText.Of(options, ("plain", OptionText.Of(options.Plain)), ("k", OptionText.Of(options.SalientColumns)), ("means", OptionText.Of(options.Means)), ("beta", OptionText.Of(options.ColumnScales)), ("keep", options.Keep?.ToString() ?? "-"));

    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        HessianFactor? factor = options.Compensation ? Calibrated.Factor(statistics, options) : null;
        Matrix Q = Matrix.CopyOf(W.View);
        if (factor is not null) DeadColumns.Clear(Q, factor.IsDead);
        var shape = new LevelShape { PlainGroups = options.Plain, SalientGroups = options.SalientGroups, HasMean = options.Means, HasColumnScales = options.ColumnScales, HasByteScales = options.ScaleBits == 8, Pattern = options.Keep };
        if (!format.IsHalf) format = ScaleFormat.HalfFor(W.Data.Max(MathF.Abs));
        var codes = new LevelCodes(W.Rows, W.Columns, options.GroupSize, shape, format);
        var q = new LevelQuantizer(codes, factor?.IsDead, null, (b, w, m) => Choose(b.Columns, w, m));
        ErrorFeedback.PerBlock(Q, factor?.U, q, ColumnRange.WidthOf(W.Columns, options.GroupSize), factor is null ? BlockRule.None : BlockRule.Exact);
        Matrix expanded = Matrix.Expand(codes.ToMatrix());
        for (int i = 0; i < Q.Data.Length; i++)
        {
            if (Q.Data[i] != expanded.Data[i]) throw new InvalidOperationException($"{i}: {Q.Data[i]} {expanded.Data[i]}");
        }

        bool plain = false;
        return new LayerResult(plain ? new PlainMatrix(expanded, ScaleFormat.Exact) : codes.ToMatrix(), Q, 1);
    }

    private bool[] Choose(ColumnRange range, Matrix W, BlockMetric metric)
    {
        var power = new double[range.Count];
        for (int i = 0; i < W.Rows; i++)
        {
            ReadOnlySpan<float> row = W.Row(i)[range.Start..range.End];
            for (int j = 0; j < row.Length; j++) power[j] += (double)row[j] * row[j] * metric.Weight[j];
        }

        var salient = new bool[range.Count];
        foreach (int j in Enumerable.Range(0, range.Count).OrderByDescending(j => power[j]).Take(options.SalientColumns)) salient[j] = true;
        return salient;
    }
}
