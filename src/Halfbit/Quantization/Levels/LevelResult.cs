using Halfbit.Numerics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.Levels;

/// <summary>A layer's result from its codes.</summary>
internal static class LevelResult
{
    /// <summary>The result.</summary>
    /// <param name="codes">The codes.</param>
    /// <param name="Q">[rows, n], what they stand for.</param>
    /// <param name="publishedGroup">The reference's numbers of the groups, by our index; a weight that is not kept has number 0.</param>
    public static LayerResult Of(LevelCodes codes, Matrix Q, ReadOnlySpan<byte> publishedGroup)
    {
        var group = new byte[codes.GroupOf.Length];
        for (int i = 0; i < Q.Rows; i++)
        {
            for (int j = 0; j < Q.Columns; j++)
            {
                int at = (i * Q.Columns) + j;
                if (codes.Keep is null || codes.Keep[i, j]) group[at] = publishedGroup[codes.GroupOf[at]];
            }
        }

        double salientShare = (double)codes.IsSalient.Count(s => s) / Q.Columns;
        double keptShare = codes.Shape.Pattern?.Share ?? 1;
        return new LayerResult(codes.ToMatrix(), Q, keptShare * (1 + salientShare)) { Salient = SalientMask.Of(Q.Rows, codes.IsSalient), Keep = codes.Keep, Group = group };
    }
}
