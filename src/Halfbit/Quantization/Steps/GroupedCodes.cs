using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>The codes of a matrix of grouped signs while its blocks are quantized: groups, levels, signs. Rows may be written by several threads.</summary>
internal sealed class GroupedCodes
{
    private readonly int salientGroups;
    private readonly int groupSize;
    private readonly int blocks;
    private readonly bool hasMeans;
    private readonly bool hasByteScales;
    private readonly ScaleFormat format;
    private readonly ScaleFormat alphaFormat;
    private readonly float[][][] alpha;
    private readonly float[][] mu;
    private readonly BitMatrix signs;
    private readonly BitMatrix? secondSigns;

    /// <summary>Empty codes.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="groupSize">Columns per block, or -1.</param>
    /// <param name="planes">[groups], sign planes of each group, those of salient columns first.</param>
    /// <param name="salientGroups">Groups that salient columns use.</param>
    /// <param name="hasMeans">Whether groups have means.</param>
    /// <param name="hasByteScales">Whether scales are stored in eight bits.</param>
    /// <param name="format">How scales and means are stored: they are rounded to it here.</param>
    public GroupedCodes(int rows, int columns, int groupSize, int[] planes, int salientGroups, bool hasMeans, bool hasByteScales, ScaleFormat format)
    {
        this.salientGroups = salientGroups;
        this.groupSize = groupSize;
        this.hasMeans = hasMeans;
        this.hasByteScales = hasByteScales;
        this.format = format;
        alphaFormat = hasByteScales ? format.ToByte() : format;
        blocks = ColumnRange.CountOf(columns, groupSize);
        alpha = [.. planes.Select(p => Enumerable.Range(0, p).Select(_ => new float[rows * blocks]).ToArray())];
        mu = [.. planes.Select(_ => hasMeans ? new float[rows * blocks] : [])];
        signs = new BitMatrix(rows, columns);
        secondSigns = planes.Max() > 1 ? new BitMatrix(rows, columns) : null;
        GroupOf = new byte[rows * columns];
        IsSalient = new bool[columns];
    }

    /// <summary>[rows · columns], the group of each cell.</summary>
    public byte[] GroupOf { get; }

    /// <summary>[columns].</summary>
    public bool[] IsSalient { get; }

    /// <summary>Number of groups.</summary>
    public int Groups => alpha.Length;

    /// <summary>Whether groups have means.</summary>
    public bool HasMeans => hasMeans;

    /// <summary>Rows of the matrix.</summary>
    public int Rows => signs.Rows;

    /// <summary>Columns of the matrix.</summary>
    public int Columns => signs.Columns;

    /// <summary>Sign planes of a group.</summary>
    public int PlanesOf(int group) => alpha[group].Length;

    /// <summary>The groups of a row's cells of a block, [block.Count].</summary>
    public Span<byte> GroupsOf(int row, ColumnRange block) => GroupOf.AsSpan((row * Columns) + block.Start, block.Count);

    /// <summary>Stores the levels of a row's group in a block, rounded as they are stored.</summary>
    /// <param name="row">Row.</param>
    /// <param name="block">Block.</param>
    /// <param name="group">Group.</param>
    /// <param name="mean">μ; ignored without means.</param>
    /// <param name="scales">[planes], α ≥ 0.</param>
    /// <returns>The levels as they will be read back.</returns>
    public SignLevels SetLevels(int row, int block, int group, float mean, ReadOnlySpan<float> scales)
    {
        int at = (row * blocks) + block;
        for (int k = 0; k < scales.Length; k++) alpha[group][k][at] = alphaFormat.Round(scales[k]);
        if (hasMeans) mu[group][at] = format.Round(mean);
        return LevelsOf(row, block, group);
    }

    /// <summary>The levels of a row's group in a block.</summary>
    public SignLevels LevelsOf(int row, int block, int group)
    {
        int at = (row * blocks) + block;
        float[][] scales = alpha[group];
        return new SignLevels(hasMeans ? mu[group][at] : 0f, scales[0][at], scales.Length > 1 ? scales[1][at] : 0f, scales.Length);
    }

    /// <summary>Stores the signs of a cell; 0 is stored as +.</summary>
    public void SetSigns(int row, int column, int first, int second)
    {
        signs[row, column] = first >= 0;
        if (secondSigns is not null) secondSigns[row, column] = second >= 0;
    }

    /// <summary>Stores the first signs of a row's cells of a block.</summary>
    /// <param name="row">Row.</param>
    /// <param name="block">Block.</param>
    /// <param name="bits">[block.Count], 1 for +, 0 for −.</param>
    public void SetFirstSigns(int row, ColumnRange block, ReadOnlySpan<byte> bits)
    {
        Span<ulong> words = signs.Row(row);
        for (int j = 0; j < bits.Length;)
        {
            int at = block.Start + j;
            int count = Math.Min(64 - (at & 63), bits.Length - j);
            ulong word = 0;
            for (int k = 0; k < count; k++) word |= (ulong)bits[j + k] << k;
            ulong mask = count == 64 ? ulong.MaxValue : (1ul << count) - 1;
            ref ulong stored = ref words[at >> 6];
            stored = (stored & ~(mask << (at & 63))) | (word << (at & 63));
            j += count;
        }
    }

    /// <summary>Stores the second sign of a cell; 0 is stored as +.</summary>
    public void SetSecondSign(int row, int column, int second) => secondSigns![row, column] = second >= 0;

    /// <summary>The matrix of all codes.</summary>
    /// <param name="keep">[rows, columns], kept cells; null: all.</param>
    /// <param name="pattern">The pattern that <paramref name="keep"/> follows.</param>
    public GroupedSignMatrix ToMatrix(BitMatrix? keep = null, NOfM? pattern = null)
        => new(signs, [.. Enumerable.Range(0, Groups).Select(GroupAt)], salientGroups, groupSize)
        {
            SecondSigns = secondSigns,
            IsSalient = salientGroups > 0 ? IsSalient : null,
            GroupOf = GroupOf,
            Keep = keep,
            Pattern = pattern,
        };

    private SignGroup GroupAt(int group) => new()
    {
        Alpha = alpha[group],
        Mu = hasMeans ? mu[group] : null,
        HasByteScales = hasByteScales,
        AlphaFormat = alphaFormat,
        MuFormat = hasMeans ? format : default,
    };
}
