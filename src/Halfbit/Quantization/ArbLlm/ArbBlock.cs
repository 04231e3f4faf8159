using Halfbit.Numerics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>A block of columns with its groups chosen, ready to be fitted.</summary>
/// <param name="W">[rows, w], current weights.</param>
/// <param name="GroupOf">[rows · w], the group of each weight.</param>
/// <param name="IsSalient">[w].</param>
/// <param name="Omega">[w], how much each column counts.</param>
/// <param name="S">[w, padded w], what the errors of two columns cost together; null: not asked for.</param>
internal sealed record ArbBlock(Matrix W, byte[] GroupOf, bool[] IsSalient, double[] Omega, double[]? S)
{
    /// <summary>Rows.</summary>
    public int Rows => W.Rows;

    /// <summary>Columns w.</summary>
    public int Width => W.Columns;

    /// <summary>[w], the groups of a row's weights.</summary>
    public ReadOnlySpan<byte> GroupsOfRow(int i) => GroupOf.AsSpan(i * Width, Width);

    /// <summary>The columns that a group may use: the salient ones or the others.</summary>
    public int[] ColumnsOf(bool salient) => [.. Enumerable.Range(0, Width).Where(j => IsSalient[j] == salient)];
}
