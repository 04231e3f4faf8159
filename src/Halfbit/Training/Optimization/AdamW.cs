using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, Alg. 2; Kingma and Ba, arXiv 1412.6980).</summary>
/// <remarks>
/// With gradient g, step t (from 1) and learning rate η:
/// m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  w ← w − (η·λ·w + η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)).
/// As in PyTorch the decay is multiplied by the learning rate, and ε stands outside of the corrected root. Moments have the precision of the weights.
/// Frozen entries keep their value to the bit, and their moments stay zero: salient weights neither move nor decay.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
internal sealed class AdamW<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int WordBits = 64;
    private readonly IReadOnlyList<Parameter<T>> parameters;
    private readonly AdamWOptions options;
    private readonly ParameterChunk[] chunks;
    private readonly Matrix<T>?[] first;
    private readonly Matrix<T>?[] second;
    private readonly BitMatrix?[] frozen;

    /// <summary>An optimizer with zero moments.</summary>
    /// <param name="parameters">All parameters; those that are not trained are left alone.</param>
    /// <param name="options">Coefficients.</param>
    /// <param name="frozen">Gives the entries of a parameter that must not change, [rows, columns], or null for none; the mask is kept, not copied. Null: none anywhere.</param>
    public AdamW(IReadOnlyList<Parameter<T>> parameters, AdamWOptions options, Func<Parameter<T>, BitMatrix?>? frozen = null)
    {
        options.Validate();
        this.parameters = parameters;
        this.options = options;
        chunks = ParameterChunk.Of(parameters);
        first = [.. parameters.Select(Moment)];
        second = [.. parameters.Select(Moment)];
        this.frozen = [.. parameters.Select(p => p.IsTrained ? Checked(p, frozen?.Invoke(p)) : null)];
    }

    /// <summary>Number of updates so far, t.</summary>
    public long Step { get; private set; }

    /// <summary>Changes all trained parameters by their gradients.</summary>
    /// <param name="learningRate">η, ≥ 0.</param>
    /// <param name="gradientScale">Factor on all gradients: the clipping factor, and what averages over accumulated parts.</param>
    public void Update(double learningRate, double gradientScale = 1)
    {
        Step++;
        var c = new Coefficients(options, learningRate, gradientScale, Step);
        RowParallel.For(chunks.Length, 1, (start, end) =>
        {
            for (int k = start; k < end; k++) Update(chunks[k], c);
        });
    }

    /// <summary>Goes on after a number of updates, with the moments of <see cref="State"/> read back.</summary>
    /// <param name="step">Number of updates so far, ≥ 0.</param>
    public void Resume(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        Step = step;
    }

    /// <summary>The moments of all trained parameters, to be written or read.</summary>
    public IEnumerable<StateTensor> State()
    {
        for (int p = 0; p < parameters.Count; p++)
        {
            if (first[p] is null) continue;
            yield return StateTensor.Of("first." + parameters[p].Name, first[p]!);
            yield return StateTensor.Of("second." + parameters[p].Name, second[p]!);
        }
    }

    private void Update(ParameterChunk chunk, in Coefficients c)
    {
        Parameter<T> parameter = parameters[chunk.Parameter];
        T decay = parameter.Decays ? c.Decay : T.Zero;
        int start = chunk.FirstRow * parameter.Value.Columns;
        int count = chunk.Rows * parameter.Value.Columns;
        ReadOnlySpan<T> g = parameter.Gradient.Data.AsSpan(start, count);
        Span<T> w = parameter.Value.Data.AsSpan(start, count);
        Span<T> m = first[chunk.Parameter]!.Data.AsSpan(start, count);
        Span<T> v = second[chunk.Parameter]!.Data.AsSpan(start, count);
        if (frozen[chunk.Parameter] is not BitMatrix mask)
        {
            Update(g, w, m, v, c, decay);
            return;
        }

        int columns = parameter.Value.Columns;
        for (int r = 0; r < chunk.Rows; r++)
        {
            ReadOnlySpan<ulong> words = mask.Row(chunk.FirstRow + r);
            for (int j = 0; j < columns; j += WordBits)
            {
                int at = (r * columns) + j;
                int width = Math.Min(WordBits, columns - j);
                UpdateMasked(words[j / WordBits], g.Slice(at, width), w.Slice(at, width), m.Slice(at, width), v.Slice(at, width), c, decay);
            }
        }
    }

    /// <summary>Up to 64 entries, those with a set bit left as they are.</summary>
    private static void UpdateMasked(ulong frozen, ReadOnlySpan<T> g, Span<T> w, Span<T> m, Span<T> v, in Coefficients c, T decay)
    {
        Span<T> before = stackalloc T[WordBits];
        w.CopyTo(before);
        Update(g, w, m, v, c, decay);
        for (; frozen != 0; frozen &= frozen - 1)
        {
            int j = BitOperations.TrailingZeroCount(frozen);
            w[j] = before[j];
            m[j] = v[j] = T.Zero;
        }
    }

    /// <summary>Every entry sees the same operations in a vector as in the rest: results do not depend on where a piece is cut.</summary>
    private static void Update(ReadOnlySpan<T> g, Span<T> w, Span<T> m, Span<T> v, in Coefficients c, T decay)
    {
        int j = 0;
        Vector<T> keep1 = new(c.Keep1), add1 = new(c.Add1), keep2 = new(c.Keep2), add2 = new(c.Add2);
        Vector<T> scale = new(c.GradientScale), root = new(c.RootCorrection), epsilon = new(c.Epsilon), step = new(c.StepSize), decays = new(decay);
        for (; j <= w.Length - Vector<T>.Count; j += Vector<T>.Count)
        {
            Vector<T> gradient = new Vector<T>(g[j..]) * scale;
            Vector<T> mean = (new Vector<T>(m[j..]) * keep1) + (gradient * add1);
            Vector<T> square = (new Vector<T>(v[j..]) * keep2) + (gradient * gradient * add2);
            Vector<T> weight = new(w[j..]);
            mean.CopyTo(m[j..]);
            square.CopyTo(v[j..]);
            (weight - ((weight * decays) + (step * (mean / ((Vector.SquareRoot(square) / root) + epsilon))))).CopyTo(w[j..]);
        }

        for (; j < w.Length; j++)
        {
            T gradient = g[j] * c.GradientScale;
            m[j] = (m[j] * c.Keep1) + (gradient * c.Add1);
            v[j] = (v[j] * c.Keep2) + (gradient * gradient * c.Add2);
            w[j] -= (w[j] * decay) + (c.StepSize * (m[j] / ((T.Sqrt(v[j]) / c.RootCorrection) + c.Epsilon)));
        }
    }

    private static Matrix<T>? Moment(Parameter<T> parameter) => parameter.IsTrained ? new Matrix<T>(parameter.Value.Rows, parameter.Value.Columns) : null;

    private static BitMatrix? Checked(Parameter<T> parameter, BitMatrix? mask)
    {
        if (mask is null || (mask.Rows == parameter.Value.Rows && mask.Columns == parameter.Value.Columns)) return mask;
        throw new ArgumentException($"the mask of '{parameter.Name}' is [{mask.Rows}, {mask.Columns}], the parameter [{parameter.Value.Rows}, {parameter.Value.Columns}]", nameof(mask));
    }

    /// <summary>The numbers of one update, computed in double precision and rounded once.</summary>
    private readonly struct Coefficients(AdamWOptions options, double learningRate, double gradientScale, long step)
    {
        public readonly T Keep1 = T.CreateTruncating(options.Beta1);
        public readonly T Add1 = T.CreateTruncating(1 - options.Beta1);
        public readonly T Keep2 = T.CreateTruncating(options.Beta2);
        public readonly T Add2 = T.CreateTruncating(1 - options.Beta2);
        public readonly T Epsilon = T.CreateTruncating(options.Epsilon);
        public readonly T Decay = T.CreateTruncating(learningRate * options.WeightDecay);
        public readonly T StepSize = T.CreateTruncating(learningRate / (1 - Math.Pow(options.Beta1, step)));
        public readonly T RootCorrection = T.CreateTruncating(Math.Sqrt(1 - Math.Pow(options.Beta2, step)));
        public readonly T GradientScale = T.CreateTruncating(gradientScale);
    }
}
