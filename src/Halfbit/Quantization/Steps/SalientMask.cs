using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Salient columns as a mask of weights.</summary>
internal static class SalientMask
{
    /// <summary>[rows, n]; set in salient columns.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="isSalient">[n].</param>
    public static BitMatrix Of(int rows, bool[] isSalient)
    {
        var mask = new BitMatrix(rows, isSalient.Length);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < isSalient.Length; j++)
            {
                if (isSalient[j]) mask[i, j] = true;
            }
        }

        return mask;
    }
}
