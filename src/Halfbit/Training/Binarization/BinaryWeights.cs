using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Training;

/// <summary>Plain binarization of a whole layer: Ŵᵢⱼ = αᵢ·sign(wᵢⱼ), αᵢ = Σⱼ|wᵢⱼ|/n (XNOR-Net, arXiv 1603.05279, eq. 6), with a choice of how the gradient passes the sign.</summary>
/// <remarks>
/// Backward: dwᵢⱼ = F′(wᵢⱼ/αᵢ)·dŴᵢⱼ, that is, αᵢ·sign(w) counts as αᵢ·F(w/αᵢ) with α held constant. Departures: estimators were published for weights of about unit size;
/// those of language models are far smaller and differ by rows, so they are measured in units of α. The path through α is cut, as in PB-LLM. sign(0) = +1.
/// Scales are rounded to what a packed checkpoint stores.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
/// <typeparam name="TEstimator">How the gradient passes the sign.</typeparam>
/// <param name="latent">[out, in], initial weights; they decide the power of two of stored scales.</param>
/// <param name="estimator">The estimator.</param>
/// <param name="estimatorAt">The estimator at some progress of the training; null: it stays the same.</param>
internal sealed class BinaryWeights<T, TEstimator>(Matrix<T> latent, TEstimator estimator, Func<double, TEstimator>? estimatorAt = null) : IWeightForm<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TEstimator : struct, ISignEstimator<T>
{
    private const int RowsAtOnce = 16;
    private readonly int[] exponent = [ScaleFormat.HalfFor(latent.Data.Max(w => float.CreateTruncating(T.Abs(w)))).Exponent];
    private readonly T[] alpha = new T[latent.Rows];

    /// <summary>How the gradient passes the sign; may change with the progress of training.</summary>
    public TEstimator Estimator { get; private set; } = estimator;

    /// <inheritdoc/>
    public bool NeedsBuffer => true;

    /// <inheritdoc/>
    public BitMatrix? Frozen => null;

    private ScaleFormat Format => new(ScaleKind.Half, exponent[0]);

    /// <inheritdoc/>
    public Matrix<T> Forward(Matrix<T> latent, Matrix<T>? buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        FitScales(latent);
        RowParallel.For(latent.Rows, RowsAtOnce, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<T> w = latent.Row(i);
                Span<T> weights = buffer.Row(i);
                for (int j = 0; j < weights.Length; j++) weights[j] = w[j] < T.Zero ? -alpha[i] : alpha[i];
            }
        });
        return buffer;
    }

    /// <inheritdoc/>
    public void Backward(Matrix<T> latent, Matrix<T> gradient) => RowParallel.For(latent.Rows, RowsAtOnce, (start, end) =>
    {
        TEstimator passes = Estimator;
        for (int i = start; i < end; i++)
        {
            ReadOnlySpan<T> w = latent.Row(i);
            Span<T> g = gradient.Row(i);
            for (int j = 0; j < g.Length; j++) g[j] *= passes.Slope(alpha[i] > T.Zero ? w[j] / alpha[i] : T.Zero);
        }
    });

    /// <inheritdoc/>
    public void Advance(double progress)
    {
        if (estimatorAt is not null) Estimator = estimatorAt(progress);
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix(Matrix<T> latent)
    {
        FitScales(latent);
        var signs = new BitMatrix(latent.Rows, latent.Columns);
        for (int i = 0; i < latent.Rows; i++)
        {
            for (int j = 0; j < latent.Columns; j++) signs[i, j] = !(latent.Row(i)[j] < T.Zero);
        }

        return new SignMatrix(signs, -1, [.. alpha.Select(float.CreateTruncating)], null, Format);
    }

    /// <inheritdoc/>
    public IEnumerable<StateTensor> State(string name) => [StateTensor.Of("exponent." + name, [1], exponent)];

    private void FitScales(Matrix<T> latent) => RowParallel.For(latent.Rows, RowsAtOnce, (start, end) =>
    {
        ScaleFormat format = Format;
        for (int i = start; i < end; i++)
        {
            double sum = 0;
            foreach (T w in latent.Row(i)) sum += double.CreateTruncating(T.Abs(w));
            alpha[i] = T.CreateTruncating(format.Round((float)(sum / latent.Columns)));
        }
    });
}
