namespace Halfbit.Quantization.ArbLlm;

/// <summary>The groups of every block, in the order of the authors' program: salient ones from large to small, then the others from large to small.</summary>
/// <param name="Salient">Groups of salient columns, two sign planes each.</param>
/// <param name="Other">Groups of all other columns, one sign plane each.</param>
internal readonly record struct GroupLayout(int Salient, int Other)
{
    /// <summary>All groups.</summary>
    public int Count => Salient + Other;

    /// <summary>The groups for a number of splits of each kind of column.</summary>
    public static GroupLayout Of(ArbLlmOptions options) => new(options.ColumnGroupBitmap ? options.Partitions + 1 : 1, options.Partitions + 1);

    /// <summary>Sign planes of a group.</summary>
    public int PlanesOf(int group) => group < Salient ? 2 : 1;
}
