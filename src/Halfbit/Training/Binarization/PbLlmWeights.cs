using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Training;

/// <summary>
/// PB-LLM: Partially Binarized Large Language Models (arXiv 2310.00034), trained form. A salient share of the weights is stored in 8 bits and frozen;
/// every other weight multiplies as its sign times the optimal scale of its row, and learns through the sign by the straight-through estimator.
/// </summary>
/// <remarks>
/// Forward, with B the binarized positions of row i: Ŵᵢⱼ = wᵢⱼ where salient, else αᵢ·sign(wᵢⱼ), αᵢ = Σ_B|w|/|B|, from the current latent weights in every step (
/// argmin over α of ‖w_B − α·sign(w_B)‖²). Backward: dwᵢⱼ = αᵢ·dŴᵢⱼ on B, without clipping and with α held constant; 0 where salient.
/// Departures from the released program, whose form is <see cref="QuantizationVariant.Released"/>: one scale per row instead of one per layer; 8-bit values that are near
/// the weights (<see cref="ReleasedSalientStep"/>); sign(0) = +1 as stored planes have it; scales rounded to what a packed checkpoint stores.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
internal sealed class PbLlmWeights<T> : IWeightForm<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int WordBits = 64;
    private const int RowsAtOnce = 16;

    private readonly PbLlmTrainingOptions options;
    private readonly BitMatrix isSalient;
    private readonly SalientGrid grid;
    private readonly int[] exponent = new int[1];
    private readonly T[] alpha;

    /// <summary>A form whose salient set is still to be read from a saved state (<see cref="State"/>).</summary>
    /// <param name="rows">Rows, out.</param>
    /// <param name="columns">Columns, in.</param>
    /// <param name="options">Options of the run that wrote the state.</param>
    public PbLlmWeights(int rows, int columns, PbLlmTrainingOptions options)
    {
        options.Validate();
        this.options = options;
        isSalient = new BitMatrix(rows, columns);
        grid = new SalientGrid(rows);
        alpha = new T[rows];
    }

    /// <summary>Chooses the salient weights of a layer and gives them the values that they keep.</summary>
    /// <param name="latent">[out, in], initial weights; salient entries are changed to their stored values.</param>
    /// <param name="options">Options.</param>
    /// <param name="factor">Damped Hessian factor of the layer's input, for salience by the Hessian; else null.</param>
    /// <param name="mask">[out, in], the salient weights where they are known already; else null.</param>
    public PbLlmWeights(Matrix<T> latent, PbLlmTrainingOptions options, HessianFactor? factor = null, BitMatrix? mask = null)
        : this(latent.Rows, latent.Columns, options)
    {
        var W = new Matrix(latent.Rows, latent.Columns, [.. latent.Data.Select(float.CreateTruncating)]);
        exponent[0] = ScaleFormat.HalfFor(W.Data.Max(MathF.Abs)).Exponent;
        (mask ?? Salience.Choose(W, options.SalientFraction, options.Salience, factor)).Words.CopyTo(isSalient.Words, 0);
        if (options.SalientStep == SalientStep.Grid) grid.Fit(W, Format);
        if (options.SalientStep == SalientStep.Released)
        {
            ReleasedSalientStep.Apply(W);
            for (int k = 0; k < W.Data.Length; k++) latent.Data[k] = T.CreateTruncating(W.Data[k]);
        }

        for (int i = 0; i < W.Rows; i++)
        {
            for (int j = 0; j < W.Columns; j++)
            {
                if (isSalient[i, j]) latent.Row(i)[j] = T.CreateTruncating(options.SalientStep == SalientStep.Grid ? grid.Round(i, W[i, j]) : Format.Round(W[i, j]));
            }
        }
    }

    /// <summary>[out], α of the last forward pass.</summary>
    public ReadOnlySpan<T> Alpha => alpha;

    /// <summary>[out, in]; set where a weight is salient.</summary>
    public BitMatrix IsSalient => isSalient;

    /// <summary>How scales are stored: the power of two is fixed when training starts, with a margin of 16 above the largest weight.</summary>
    public ScaleFormat Format => options.StoresScales ? new ScaleFormat(ScaleKind.Half, exponent[0]) : ScaleFormat.Exact;

    /// <inheritdoc/>
    public bool NeedsBuffer => true;

    /// <inheritdoc/>
    public BitMatrix Frozen => isSalient;

    /// <inheritdoc/>
    public Matrix<T> Forward(Matrix<T> latent, Matrix<T>? buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        FitScales(latent);
        RowParallel.For(latent.Rows, RowsAtOnce, (start, end) =>
        {
            for (int i = start; i < end; i++) ForwardRow(latent.Row(i), isSalient.Row(i), alpha[i], buffer.Row(i));
        });
        return buffer;
    }

    /// <inheritdoc/>
    public void Backward(Matrix<T> latent, Matrix<T> gradient) => RowParallel.For(latent.Rows, RowsAtOnce, (start, end) =>
    {
        for (int i = start; i < end; i++) BackwardRow(isSalient.Row(i), alpha[i], gradient.Row(i));
    });

    /// <inheritdoc/>
    /// <remarks>Expands to exactly what <see cref="Forward"/> gives for the same latent weights in single precision, when scales are stored; sign(0) of the released variant apart.</remarks>
    public QuantizedMatrix ToMatrix(Matrix<T> latent)
    {
        FitScales(latent);
        var signs = new BitMatrix(latent.Rows, latent.Columns);
        for (int i = 0; i < latent.Rows; i++)
        {
            for (int j = 0; j < latent.Columns; j++) signs[i, j] = !(latent.Row(i)[j] < T.Zero);
        }

        var low = new SignMatrix(signs, -1, [.. alpha.Select(float.CreateTruncating)], null, Format);
        QuantizedMatrix salient = options.SalientStep == SalientStep.Grid
            ? grid.ToMatrix(latent, isSalient, Format)
            : new PlainMatrix(new Matrix(latent.Rows, latent.Columns, [.. latent.Data.Select(w => Format.Round(float.CreateTruncating(w)))]), Format);
        return new MixedMatrix(isSalient, salient, low);
    }

    /// <inheritdoc/>
    public IEnumerable<StateTensor> State(string name) =>
    [
        StateTensor.Of("salient." + name, [isSalient.Rows, isSalient.WordsPerRow], isSalient.Words),
        StateTensor.Of("salient.scale." + name, [isSalient.Rows], grid.Scale),
        StateTensor.Of("salient.zero." + name, [isSalient.Rows], grid.Zero),
        StateTensor.Of("salient.exponent." + name, [1], exponent),
    ];

    /// <summary>αᵢ = Σ_B|w|/|B| per row, or over all rows together in the released variant; summed in double precision and in a fixed order.</summary>
    private void FitScales(Matrix<T> latent)
    {
        var sums = new double[latent.Rows];
        var counts = new long[latent.Rows];
        RowParallel.For(latent.Rows, RowsAtOnce, (start, end) =>
        {
            for (int i = start; i < end; i++) (sums[i], counts[i]) = LowSum(latent.Row(i), isSalient.Row(i));
        });
        ScaleFormat format = Format;
        bool isGlobal = options.Variant == QuantizationVariant.Released;
        (double allSum, long allCount) = isGlobal ? (sums.Sum(), counts.Sum()) : (0, 0);
        for (int i = 0; i < alpha.Length; i++)
        {
            (double sum, long count) = isGlobal ? (allSum, allCount) : (sums[i], counts[i]);
            double scale = count == 0 ? 0 : Math.Max(0, sum) / count; // the difference of two sums may fall below 0 by a rounding
            alpha[i] = options.StoresScales ? T.CreateTruncating(format.Round((float)scale)) : T.CreateTruncating(scale);
        }
    }

    /// <summary>Σ|w| of the whole row less that of its salient weights: no branch for each weight. Four sums side by side, in a fixed order.</summary>
    private static (double Sum, long Count) LowSum(ReadOnlySpan<T> latent, ReadOnlySpan<ulong> salient)
    {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int end = latent.Length & ~3;
        for (int j = 0; j < end; j += 4)
        {
            s0 += Magnitude(latent[j]);
            s1 += Magnitude(latent[j + 1]);
            s2 += Magnitude(latent[j + 2]);
            s3 += Magnitude(latent[j + 3]);
        }

        for (int j = end; j < latent.Length; j++) s0 += Magnitude(latent[j]);
        double salientSum = 0;
        long count = latent.Length;
        for (int k = 0; k < salient.Length; k++)
        {
            count -= BitOperations.PopCount(salient[k]);
            for (ulong word = salient[k]; word != 0; word &= word - 1) salientSum += Magnitude(latent[(k * WordBits) + BitOperations.TrailingZeroCount(word)]);
        }

        return ((s0 + s1) + (s2 + s3) - salientSum, count);
    }

    private static double Magnitude(T w) => Math.Abs(double.CreateTruncating(w));

    private void ForwardRow(ReadOnlySpan<T> latent, ReadOnlySpan<ulong> salient, T scale, Span<T> weights)
    {
        int at = 0;
        Vector<T> plus = new(scale), minus = new(-scale);
        for (; at <= weights.Length - Vector<T>.Count; at += Vector<T>.Count)
            Vector.ConditionalSelect(Vector.LessThan(new Vector<T>(latent[at..]), Vector<T>.Zero), minus, plus).CopyTo(weights[at..]);
        for (; at < weights.Length; at++) weights[at] = latent[at] < T.Zero ? -scale : scale;
        if (options.Variant == QuantizationVariant.Released)
        {
            for (int j = 0; j < weights.Length; j++) weights[j] = T.IsZero(latent[j]) ? T.Zero : weights[j];
        }

        for (int k = 0; k < salient.Length; k++)
        {
            for (ulong word = salient[k]; word != 0; word &= word - 1)
            {
                int j = (k * WordBits) + BitOperations.TrailingZeroCount(word);
                weights[j] = latent[j];
            }
        }
    }

    private static void BackwardRow(ReadOnlySpan<ulong> salient, T scale, Span<T> gradient)
    {
        for (int j = 0; j < gradient.Length; j++) gradient[j] *= scale;
        for (int k = 0; k < salient.Length; k++)
        {
            for (ulong word = salient[k]; word != 0; word &= word - 1) gradient[(k * WordBits) + BitOperations.TrailingZeroCount(word)] = T.Zero;
        }
    }
}
