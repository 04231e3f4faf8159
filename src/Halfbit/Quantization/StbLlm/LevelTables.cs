using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>Signs, groups and scales of a layer while its blocks are quantized one after the other.</summary>
internal sealed class LevelTables
{
    private const int Groups = 4;

    private readonly int rows;
    private readonly int columns;
    private readonly int groupSize;
    private readonly int blocks;
    private readonly BitMatrix signs;
    private readonly BitMatrix secondSigns;
    private readonly float[][] mu;
    private readonly float[][] alpha;
    private readonly bool hasMeans;
    private readonly bool hasByteScales;

    /// <summary>Empty tables.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="groupSize">Columns per block, or -1.</param>
    /// <param name="hasMeans">Whether groups have means.</param>
    /// <param name="hasByteScales">Whether scales are to be stored in bytes.</param>
    public LevelTables(int rows, int columns, int groupSize, bool hasMeans, bool hasByteScales)
    {
        this.rows = rows;
        this.columns = columns;
        this.groupSize = groupSize;
        this.hasMeans = hasMeans;
        this.hasByteScales = hasByteScales;
        blocks = ColumnRange.CountOf(columns, groupSize);
        signs = new BitMatrix(rows, columns);
        secondSigns = new BitMatrix(rows, columns);
        mu = [.. Enumerable.Range(0, Groups).Select(_ => new float[rows * blocks])];
        alpha = [.. Enumerable.Range(0, Groups + 1).Select(_ => new float[rows * blocks])];
        Group = new byte[rows * columns];
        IsSalient = new bool[columns];
    }

    /// <summary>[rows · columns], numbers as in <see cref="TrisectionGroups"/>.</summary>
    public byte[] Group { get; }

    /// <summary>[columns].</summary>
    public bool[] IsSalient { get; }

    /// <summary>Notes the levels of a group of a row and block.</summary>
    public void SetLevels(int row, int block, byte group, StoredLevels levels)
    {
        int at = (row * blocks) + block;
        mu[group][at] = levels.Mu;
        alpha[group][at] = levels.First;
        if (levels.Planes == 2) alpha[Groups][at] = levels.Second;
    }

    /// <summary>Notes the signs of a weight. Not for several threads within one row.</summary>
    public void SetSigns(int i, int j, bool isUpper, bool isSecondUpper)
    {
        if (isUpper) signs[i, j] = true;
        if (isSecondUpper) secondSigns[i, j] = true;
    }

    /// <summary>The matrix: the salient group, if there is one, before the others.</summary>
    /// <param name="keep">[rows, columns], kept weights; null: all.</param>
    /// <param name="pattern">The pattern they follow.</param>
    public GroupedSignMatrix ToMatrix(BitMatrix? keep, NOfM? pattern)
    {
        bool hasSalient = Array.IndexOf(IsSalient, true) >= 0;
        var groups = new List<SignGroup>();
        if (hasSalient) groups.Add(GroupOf(TrisectionGroups.Salient, alpha[TrisectionGroups.Salient], alpha[Groups]));
        for (byte g = TrisectionGroups.Dense; g <= TrisectionGroups.Sparse; g++) groups.Add(GroupOf(g, alpha[g]));
        return new GroupedSignMatrix(signs, groups, hasSalient ? 1 : 0, groupSize)
        {
            SecondSigns = hasSalient ? secondSigns : null,
            IsSalient = hasSalient ? IsSalient : null,
            GroupOf = Array.ConvertAll(Group, g => g == TrisectionGroups.Salient ? (byte)0 : (byte)(hasSalient ? g + 1 : g)),
            Keep = keep,
            Pattern = keep is null ? null : pattern,
        };
    }

    /// <summary>[rows, columns], set in salient columns.</summary>
    public BitMatrix SalientMask()
    {
        var mask = new BitMatrix(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                if (IsSalient[j]) mask[i, j] = true;
            }
        }

        return mask;
    }

    private SignGroup GroupOf(byte group, params float[][] scales) => new() { Alpha = scales, Mu = hasMeans ? mu[group] : null, HasByteScales = hasByteScales };
}
