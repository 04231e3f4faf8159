using System.Numerics;
using System.Runtime.Intrinsics;

namespace Halfbit.Quantization.Steps;

/// <summary>Signs for given levels, chosen by what the whole block's error costs: e·A·eᵀ, e = w − ŵ, instead of weight by weight.</summary>
/// <remarks>
/// With A = U_bb⁻¹·U_bb⁻ᵀ and H⁻¹ = Uᵀ·U, e·A·eᵀ is what remains of the layer's error once the columns after the block make up for it (the Schur complement of H).
/// A first choice comes from a walk with error feedback inside the block; then each weight in turn takes the level that lowers the cost most, until none does.
/// Turning x, the part of a weight's value that one or both of its signs decide, into −x changes the cost by 4x·(x·A_jj + g_j), g = A·e. Eight weights are looked at together,
/// the same eight on every machine. Scratch memory of one thread.
/// </remarks>
internal sealed class SignDescent
{
    private const int MostSweeps = 6;
    private const int Lanes = 8;

    private readonly BlockCurvature curvature;
    private readonly float[] gradient;
    private readonly float[] first;
    private readonly float[] second;
    private readonly float[] diagonal;

    /// <summary>For one block.</summary>
    public SignDescent(BlockCurvature curvature)
    {
        this.curvature = curvature;
        int padded = (curvature.Width + Lanes - 1) / Lanes * Lanes;
        gradient = new float[padded];
        first = new float[padded];
        second = new float[padded];
        diagonal = new float[padded];
        for (int j = 0; j < curvature.Width; j++) diagonal[j] = curvature.A[j, j];
    }

    /// <summary>[w], g = A·e for the signs as they are.</summary>
    public Span<float> Gradient => gradient.AsSpan(0, curvature.Width);

    /// <summary>Signs by a walk over the columns: each weight takes its nearest level, the weights after it make up for its error.</summary>
    /// <param name="w">[w], weights.</param>
    /// <param name="row">Levels; receives signs.</param>
    public void Walk(ReadOnlySpan<float> w, LevelRow row)
    {
        Span<float> target = Gradient;
        w.CopyTo(target);
        for (int j = 0; j < w.Length; j++)
        {
            row.TakeNearest(j, target[j]);
            ReadOnlySpan<float> u = curvature.U.Row(j);
            AddScaled(-(target[j] - row.Value(j)) / u[j], u[(j + 1)..], target[(j + 1)..]);
        }
    }

    /// <summary>Computes <see cref="Gradient"/>.</summary>
    /// <param name="w">[w], weights.</param>
    /// <param name="row">Levels and signs.</param>
    public void Measure(ReadOnlySpan<float> w, LevelRow row)
    {
        gradient.AsSpan().Clear();
        for (int j = 0; j < w.Length; j++) AddScaled(w[j] - row.Value(j), curvature.A.Row(j), Gradient);
    }

    /// <summary>Changes signs as long as that lowers e·A·eᵀ, from a valid <see cref="Gradient"/> on, which is kept.</summary>
    /// <param name="row">Levels and signs.</param>
    public void Descend(LevelRow row)
    {
        for (int j = 0; j < row.Width; j++)
        {
            first[j] = row.FirstSign[j] * row.First[j];
            second[j] = row.SecondSign[j] * row.Second[j];
        }

        for (int sweep = 0; sweep < MostSweeps; sweep++)
        {
            bool hasChanged = false;
            for (int start = 0; start < gradient.Length; start += Lanes)
            {
                if (!MayGain(start)) continue;
                for (int j = start; j < Math.Min(start + Lanes, row.Width); j++) hasChanged |= Turn(j, row);
            }

            if (!hasChanged) return;
        }
    }

    /// <summary>y ← y + a·x, each element one fused multiply-add.</summary>
    internal static void AddScaled(float a, ReadOnlySpan<float> x, Span<float> y)
    {
        int k = 0;
        var scale = new Vector<float>(a);
        for (; k <= y.Length - Vector<float>.Count; k += Vector<float>.Count)
            Vector.FusedMultiplyAdd(scale, new Vector<float>(x[k..]), new Vector<float>(y[k..])).CopyTo(y[k..]);
        for (; k < y.Length; k++) y[k] = MathF.FusedMultiplyAdd(a, x[k], y[k]);
    }

    /// <summary>Whether one of eight weights would lower the cost.</summary>
    private bool MayGain(int start)
    {
        Vector256<float> g = Vector256.Create(gradient.AsSpan(start, Lanes));
        Vector256<float> a = Vector256.Create(diagonal.AsSpan(start, Lanes));
        Vector256<float> u = Vector256.Create(first.AsSpan(start, Lanes));
        Vector256<float> v = Vector256.Create(second.AsSpan(start, Lanes));
        Vector256<float> both = u + v;
        Vector256<float> least = Vector256.Min(Vector256.Min(u * ((u * a) + g), v * ((v * a) + g)), both * ((both * a) + g));
        return Vector256.LessThanAny(least, Vector256<float>.Zero);
    }

    /// <summary>Turns the sign, or both, whose turn lowers the cost most.</summary>
    private bool Turn(int j, LevelRow row)
    {
        float a = diagonal[j];
        float g = gradient[j];
        float u = first[j];
        float v = second[j];
        float ofFirst = u * ((u * a) + g);
        float ofSecond = v * ((v * a) + g);
        float ofBoth = (u + v) * (((u + v) * a) + g);
        float least = Math.Min(Math.Min(ofFirst, ofSecond), ofBoth);
        if (!(least < 0)) return false;
        bool turnsFirst = least == ofFirst || least != ofSecond;
        bool turnsSecond = least != ofFirst;
        if (turnsFirst)
        {
            first[j] = -u;
            row.FirstSign[j] = -row.FirstSign[j];
        }

        if (turnsSecond)
        {
            second[j] = -v;
            row.SecondSign[j] = -row.SecondSign[j];
        }

        float turned = (turnsFirst ? u : 0) + (turnsSecond ? v : 0);
        AddScaled(2 * turned, curvature.A.Row(j), Gradient);
        return true;
    }
}
