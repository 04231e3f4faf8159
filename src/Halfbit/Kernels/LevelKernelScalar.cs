namespace Halfbit.Kernels;

/// <summary>The definition of <see cref="LevelKernel"/>, without vectors.</summary>
internal sealed unsafe class LevelKernelScalar : LevelKernel
{
    /// <inheritdoc/>
    public override int LeastTokens(int bits) => int.MaxValue;

    /// <inheritdoc/>
    public override void AddProduct(short* levels, int pairs, float* units, short* q, float* scales, int tokens, float* y)
    {
        for (int t = 0; t < tokens; t++, q += 2 * pairs)
        {
            for (int r = 0; r < Rows; r++)
            {
                int sum = 0;
                for (int j = 0; j < 2 * pairs; j++) sum += levels[PlaceOf(r, j, pairs)] * q[j];
                ref float target = ref y[(t * Rows) + r];
                target = MathF.FusedMultiplyAdd(scales[t] * units[r], sum, target);
            }
        }
    }

    /// <inheritdoc/>
    public override void ExpandCodes(byte* planes, int bits, short* zeros, int words, short* levels)
    {
        for (int p = 0; p < Rows; p++)
        {
            int row = PlaneKernel.RowOfLane(p);
            for (int j = 0; j < words * PlaneKernel.WordColumns; j++)
            {
                int code = 0;
                for (int b = 0; b < bits; b++) code |= (((ushort*)planes)[(((b * words) + (j / PlaneKernel.WordColumns)) * Rows) + p] >> (j % PlaneKernel.WordColumns) & 1) << b;
                levels[PlaceOf(row, j, words * WordPairs)] = (short)(code - zeros[row]);
            }
        }
    }
}
