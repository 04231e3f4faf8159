using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Signs for given levels, chosen by what the whole block's error costs: e·A·eᵀ, e = w − ŵ, instead of weight by weight.</summary>
/// <remarks>
/// With A = U_bb⁻¹·U_bb⁻ᵀ and H⁻¹ = Uᵀ·U, e·A·eᵀ is what remains of the layer's error once the columns after the block make up for it (the Schur complement of H).
/// A first choice comes from a walk with error feedback inside the block; then each weight in turn takes the level that lowers the cost most, until none does.
/// Every step is the same at any vector width: vectors run across weights. Scratch memory of one thread.
/// </remarks>
internal sealed class SignDescent
{
    private const int MostSweeps = 4;

    private readonly BlockCurvature curvature;
    private readonly float[] target;

    /// <summary>For one block.</summary>
    public SignDescent(BlockCurvature curvature)
    {
        this.curvature = curvature;
        target = new float[curvature.Width];
        Gradient = new float[curvature.Width];
    }

    /// <summary>[w], A·e for the signs as they are, after <see cref="Descend"/>.</summary>
    public float[] Gradient { get; }

    /// <summary>Signs by a walk over the columns: each weight takes its nearest level, the weights after it make up for its error.</summary>
    /// <param name="w">[w], weights.</param>
    /// <param name="row">Levels; receives signs.</param>
    public void Walk(ReadOnlySpan<float> w, LevelRow row)
    {
        w.CopyTo(target);
        for (int j = 0; j < w.Length; j++)
        {
            row.TakeNearest(j, target[j]);
            ReadOnlySpan<float> u = curvature.U.Row(j);
            AddScaled(-(target[j] - row.Value(j)) / u[j], u[(j + 1)..], target.AsSpan(j + 1));
        }
    }

    /// <summary>Changes signs as long as that lowers e·A·eᵀ; never raises it.</summary>
    /// <param name="w">[w], weights.</param>
    /// <param name="row">Levels and signs.</param>
    public void Descend(ReadOnlySpan<float> w, LevelRow row)
    {
        Array.Clear(Gradient);
        for (int j = 0; j < w.Length; j++) AddScaled(w[j] - row.Value(j), curvature.A.Row(j), Gradient);
        for (int sweep = 0; sweep < MostSweeps; sweep++)
        {
            bool hasChanged = false;
            for (int j = 0; j < w.Length; j++)
            {
                float curvatureOfJ = curvature.A[j, j];
                if (!(curvatureOfJ > 0)) continue;
                float value = row.Value(j);
                (sbyte first, sbyte second) = (row.FirstSign[j], row.SecondSign[j]);
                float gradient = Gradient[j];

                // The cost is a parabola of the weight's value: its nearest level to the vertex is best.
                row.TakeNearest(j, value + (gradient / curvatureOfJ));
                float change = row.Value(j) - value;
                if (change == 0 || change * ((change * curvatureOfJ) - (2 * gradient)) >= 0)
                {
                    (row.FirstSign[j], row.SecondSign[j]) = (first, second);
                    continue;
                }

                hasChanged = true;
                AddScaled(-change, curvature.A.Row(j), Gradient);
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
}
