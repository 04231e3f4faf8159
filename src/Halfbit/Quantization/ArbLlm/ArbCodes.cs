using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>The codes of a whole matrix with their column scales, filled block by block; the only place where levels are rounded. Rows may be written by several threads.</summary>
internal sealed class ArbCodes
{
    /// <summary>Column scales of a block have their largest magnitude in [1, 2): one binary exponent for all blocks. The rest of the scale moves to the rows.</summary>
    private static readonly ScaleFormat HalfBeta = ScaleFormat.HalfFor(1f);

    private const float LargestBeta = 2f - (1f / 1024);

    private readonly GroupLayout layout;
    private readonly ScaleFormat betaFormat;
    private readonly GroupedCodes codes;
    private readonly float[][][]? beta; // [groups][planes][columns]
    private readonly int[][] shift; // [groups][planes], what was taken out of the column scales of the current block

    /// <summary>No codes yet.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="options">Groups, means, column scales, bits of a scale.</param>
    /// <param name="format">How scales are stored.</param>
    public ArbCodes(int rows, int columns, ArbLlmOptions options, ScaleFormat format)
    {
        layout = GroupLayout.Of(options);
        int[] planes = [.. Enumerable.Range(0, layout.Count).Select(layout.PlanesOf)];
        codes = new GroupedCodes(rows, columns, options.GroupSize, planes, layout.Salient, options.FitsMeans, options.ScaleBits == 8, format);
        shift = Array.ConvertAll(planes, p => new int[p]);
        betaFormat = format.Kind == ScaleKind.Exact ? format : HalfBeta;
        if (options.Refine == ArbRefinement.ArbRc) beta = Array.ConvertAll(planes, p => Enumerable.Range(0, p).Select(_ => new float[columns]).ToArray());
    }

    /// <summary>[rows · columns], the group of each weight.</summary>
    public byte[] Group => codes.GroupOf;

    /// <summary>[columns].</summary>
    public bool[] IsSalient => codes.IsSalient;

    /// <summary>Stores the groups of a block, and its column scales.</summary>
    /// <param name="columns">The block's columns.</param>
    /// <param name="block">Its groups.</param>
    /// <param name="levels">Its levels.</param>
    public void StoreColumns(ColumnRange columns, ArbBlock block, BlockLevels levels)
    {
        block.IsSalient.CopyTo(IsSalient, columns.Start);
        for (int i = 0; i < block.Rows; i++) block.GroupsOfRow(i).CopyTo(codes.GroupsOf(i, columns));
        for (int g = 0; g < layout.Count; g++)
        {
            for (int plane = 0; plane < shift[g].Length; plane++)
            {
                if (levels.Beta[g][plane] is double[] scales) shift[g][plane] = StoreBeta(scales, beta![g][plane].AsSpan(columns.Start, columns.Count));
            }
        }
    }

    /// <summary>Stores the means and scales of a row of the block; <see cref="StoreColumns"/> comes before.</summary>
    /// <param name="i">Row.</param>
    /// <param name="block">Number of the block.</param>
    /// <param name="levels">Its levels.</param>
    public void StoreRow(int i, int block, BlockLevels levels)
    {
        Span<float> scales = stackalloc float[2];
        for (int g = 0; g < layout.Count; g++)
        {
            RowLevels row = levels.Rows[g][i];
            scales[0] = (float)Math.ScaleB(Math.Abs(row.Alpha), shift[g][0]);
            if (shift[g].Length == 2) scales[1] = (float)Math.ScaleB(Math.Abs(row.SecondAlpha), shift[g][1]);
            codes.SetLevels(i, block, g, (float)row.Mu, scales[..shift[g].Length]);
        }
    }

    /// <summary>Reads the levels that the weights of a row of a block may take, as they will be read back.</summary>
    public void ReadLevels(int i, int block, ColumnRange columns, LevelRow row)
    {
        ReadOnlySpan<byte> groups = codes.GroupsOf(i, columns);
        Span<SignLevels> ofGroup = stackalloc SignLevels[layout.Count];
        for (int g = 0; g < ofGroup.Length; g++) ofGroup[g] = codes.LevelsOf(i, block, g);
        for (int j = 0; j < groups.Length; j++)
        {
            int g = groups[j];
            SignLevels levels = ofGroup[g];
            float s = beta is null ? levels.First : levels.First * beta[g][0][columns.Start + j];
            float t = levels.Planes == 1 ? 0f : beta is null ? levels.Second : levels.Second * beta[g][1][columns.Start + j];
            row.Set(j, levels.Mu, s, t);
        }
    }

    /// <summary>Stores the signs of a row of a block.</summary>
    public void StoreSigns(int i, ColumnRange columns, LevelRow row)
    {
        for (int j = 0; j < row.Width; j++) codes.SetSigns(i, columns.Start + j, (int)row.FirstSign[j], (int)row.SecondSign[j]);
    }

    /// <summary>What will be stored.</summary>
    public GroupedSignMatrix ToMatrix()
    {
        GroupedSignMatrix matrix = codes.ToMatrix();
        if (beta is null) return matrix;
        return new GroupedSignMatrix(matrix.Signs, [.. matrix.Groups.Select((group, g) => group with { Beta = beta[g], BetaFormat = betaFormat })], matrix.SalientGroups, matrix.GroupSize)
        {
            SecondSigns = matrix.SecondSigns,
            IsSalient = matrix.IsSalient,
            GroupOf = matrix.GroupOf,
        };
    }

    /// <summary>Stores |β|, scaled into [1, 2) at its largest; returns the power of two that was taken out.</summary>
    private int StoreBeta(double[] scales, Span<float> stored)
    {
        double largest = scales.Max(Math.Abs);
        int exponent = largest > 0 ? Math.ILogB(largest) : 0;
        for (int j = 0; j < stored.Length; j++)
        {
            float value = (float)Math.ScaleB(Math.Abs(scales[j]), -exponent);
            stored[j] = betaFormat.Kind == ScaleKind.Exact ? value : Math.Min(betaFormat.Round(value), LargestBeta);
        }

        return exponent;
    }
}
