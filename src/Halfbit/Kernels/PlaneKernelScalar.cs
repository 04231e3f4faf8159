namespace Halfbit.Kernels;

/// <summary>The definition of <see cref="PlaneKernel"/>, without vectors.</summary>
internal sealed unsafe class PlaneKernelScalar : PlaneKernel
{
    /// <inheritdoc/>
    public override void Sum(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead)
    {
        for (int p = 0; p < TileRows; p++)
        {
            int low = 0;
            int high = 0;
            for (int k = 0; k < byteRows; k++)
            {
                int bits = plane[(k * TileRows) + p];
                if (mask != null) bits &= mask[(k * TileRows) + p];
                byte* table = tables + (k * TableBytes);
                low += table[bits & 15] + table[32 + (bits >> 4)];
                high += table[16 + (bits & 15)] + table[48 + (bits >> 4)] - (2 * HighBias);
            }

            sums[RowOfLane(p)] = (16 * high) + low;
        }
    }
}
