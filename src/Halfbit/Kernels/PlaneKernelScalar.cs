namespace Halfbit.Kernels;

/// <summary>The definition of <see cref="PlaneKernel"/>, without vectors and tables.</summary>
internal sealed unsafe class PlaneKernelScalar : PlaneKernel
{
    /// <inheritdoc/>
    public override int TableBytes => WordColumns;

    /// <inheritdoc/>
    public override void BuildTables(sbyte* values, int words, byte* tables) => new Span<sbyte>(values, words * WordColumns).CopyTo(new Span<sbyte>(tables, words * WordColumns));

    /// <inheritdoc/>
    public override void Sum(byte* plane, int words, nint stride, in StripInput input, short* sums)
    {
        for (int p = 0; p < TileRows; p++)
        {
            int sum = 0;
            for (int j = 0; j < words * WordColumns; j++)
            {
                int word = ((ushort*)(plane + (((j / WordColumns * WordLines) + (p / LaneGroup)) * stride)))[p % LaneGroup];
                int q = ((sbyte*)input.Tables)[j];
                sum += (word >> (j % WordColumns) & 1) != 0 ? q : -q;
            }

            sums[p] = (short)sum;
        }
    }
}
