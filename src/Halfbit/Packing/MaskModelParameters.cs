namespace Halfbit.Packing;

/// <summary>The six bytes that shape the probabilities of a coded index: weight (i, j) is salient with logit Base + ColumnStep·cⱼ + RowStep·rᵢ, in quarters.</summary>
/// <param name="Lanes">Rows that are coded side by side: 1, 2, 4, 8 or 16.</param>
/// <param name="ColumnBits">Bits of a column class cⱼ, 0 to 5.</param>
/// <param name="ColumnStep">Quarters of a logit per column class, 0 to 80.</param>
/// <param name="RowBits">Bits of a row class rᵢ, 0 to 5.</param>
/// <param name="RowStep">Quarters of a logit per row class, 0 to 80.</param>
/// <param name="Base">Quarters of a logit, −80 to 80.</param>
internal readonly record struct MaskModelParameters(int Lanes, int ColumnBits, int ColumnStep, int RowBits, int RowStep, int Base)
{
    public const int MaximumBits = 5;
    public const int MaximumStep = 80;

    /// <summary>Chance, out of <see cref="MaskProbability.Total"/>, that a weight of these classes is salient.</summary>
    public uint Frequency(int columnClass, int rowClass) => MaskProbability.Frequency(Base + (ColumnStep * columnClass) + (RowStep * rowClass));

    public void Write(Span<byte> bytes)
    {
        bytes[0] = (byte)Lanes;
        bytes[1] = (byte)ColumnBits;
        bytes[2] = (byte)ColumnStep;
        bytes[3] = (byte)RowBits;
        bytes[4] = (byte)RowStep;
        bytes[5] = (byte)(sbyte)Base;
    }

    public static MaskModelParameters Read(ReadOnlySpan<byte> bytes, string where)
    {
        var model = new MaskModelParameters(bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], (sbyte)bytes[5]);
        if (model.Lanes is not (1 or 2 or 4 or 8 or 16) || model.ColumnBits > MaximumBits || model.RowBits > MaximumBits
            || model.ColumnStep > MaximumStep || model.RowStep > MaximumStep || Math.Abs(model.Base) > MaximumStep)
        {
            throw BlobError.Damaged(where, $"the index parameters ({model}) are out of range");
        }

        return model;
    }
}
