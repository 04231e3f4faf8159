using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Training;

/// <summary>The 8-bit grids of a layer's salient weights, one per row: s·(q − z), q ∈ [0, 255].</summary>
/// <param name="rows">Rows of the layer.</param>
internal sealed class SalientGrid(int rows)
{
    private const int Levels = 256;

    /// <summary>[rows], steps s.</summary>
    public float[] Scale { get; } = new float[rows];

    /// <summary>[rows], codes z of zero.</summary>
    public short[] Zero { get; } = new short[rows];

    /// <summary>Grids over the range of each whole row, as PB-LLM's post-training form and its authors' program have them, not over its salient weights alone.</summary>
    /// <param name="W">[rows, columns], initial weights.</param>
    /// <param name="format">How scales are stored.</param>
    public void Fit(Matrix W, ScaleFormat format)
    {
        for (int i = 0; i < W.Rows; i++)
        {
            (float low, float high) = RowRange.Of(W.Row(i));
            AffineGrid grid = AffineGrid.FromRange(low, high, Levels, format);
            (Scale[i], Zero[i]) = (grid.Scale, (short)grid.Zero);
        }
    }

    /// <summary>The nearest value of a row's grid.</summary>
    public float Round(int i, float w) => GridOf(i).Decode(GridOf(i).Encode(w));

    /// <summary>The codes of the salient weights, with their grids; values of the grid get their own code back.</summary>
    /// <param name="latent">[rows, columns].</param>
    /// <param name="isSalient">[rows, columns]; the other codes are 0 and have no meaning.</param>
    /// <param name="format">How scales are stored.</param>
    public GridMatrix ToMatrix<T>(Matrix<T> latent, BitMatrix isSalient, ScaleFormat format)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var codes = new byte[latent.Data.Length];
        for (int i = 0; i < latent.Rows; i++)
        {
            AffineGrid grid = GridOf(i);
            for (int j = 0; j < latent.Columns; j++)
            {
                if (isSalient[i, j]) codes[(i * latent.Columns) + j] = (byte)grid.Encode(float.CreateTruncating(latent.Row(i)[j]));
            }
        }

        return new GridMatrix(latent.Rows, latent.Columns, 8, codes, -1, [.. Scale], [.. Zero], format);
    }

    private AffineGrid GridOf(int i) => new(Scale[i], Zero[i], Levels);
}
