using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>The codes and stored scales of a whole matrix, filled block by block; the only place where levels are rounded.</summary>
internal sealed class ArbCodes
{
    /// <summary>Column scales of a block have their largest magnitude in [1, 2): one binary exponent for all blocks. The rest of the scale moves to the rows.</summary>
    private static readonly ScaleFormat HalfBeta = ScaleFormat.HalfFor(1f);

    private const float LargestBeta = 2f - (1f / 1024);

    private readonly int rows;
    private readonly int columns;
    private readonly int groupSize;
    private readonly int blocks;
    private readonly GroupLayout layout;
    private readonly ScaleFormat format;
    private readonly ScaleFormat alphaFormat;
    private readonly BitMatrix first;
    private readonly BitMatrix second;
    private readonly float[][][] alpha; // [groups][planes][rows · blocks]
    private readonly float[][]? mu; // [groups][rows · blocks]
    private readonly float[][][]? beta; // [groups][planes][columns]

    /// <summary>No codes yet.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="options">Groups, means, column scales, bits of a scale.</param>
    /// <param name="format">How scales are stored.</param>
    public ArbCodes(int rows, int columns, ArbLlmOptions options, ScaleFormat format)
    {
        this.rows = rows;
        this.columns = columns;
        this.format = format;
        groupSize = ColumnRange.WidthOf(columns, options.GroupSize);
        blocks = ColumnRange.CountOf(columns, options.GroupSize);
        layout = GroupLayout.Of(options);
        alphaFormat = options.ScaleBits == 8 ? format.ToByte() : format;
        first = new BitMatrix(rows, columns);
        second = new BitMatrix(rows, columns);
        Group = new byte[rows * columns];
        IsSalient = new bool[columns];
        alpha = Tables(rows * blocks);
        if (options.Refine == ArbRefinement.ArbRc) beta = Tables(columns);
        else if (options.HasMeans) mu = [.. Enumerable.Range(0, layout.Count).Select(_ => new float[rows * blocks])];
    }

    /// <summary>[rows · columns], the group of each weight.</summary>
    public byte[] Group { get; }

    /// <summary>[columns].</summary>
    public bool[] IsSalient { get; }

    /// <summary>Rounds the levels of a block to what can be stored, settles its signs, and writes the values that they stand for.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="fitted">Its groups.</param>
    /// <param name="levels">What the fit found.</param>
    /// <param name="onThreshold">Upper: every weight takes the nearest of its stored levels. Middle: the fit's own signs stay, and a sign of 0 adds nothing, as in the released program.</param>
    /// <param name="W">[rows, columns]; the block's columns receive the values.</param>
    public void Commit(ColumnBlock block, ArbBlock fitted, BlockLevels levels, OnThreshold onThreshold, Matrix W)
    {
        int width = fitted.Width;
        fitted.IsSalient.CopyTo(IsSalient, block.Columns.Start);
        var shift = new int[layout.Count, 2];
        for (int g = 0; g < layout.Count; g++)
        {
            for (int plane = 0; plane < layout.PlanesOf(g); plane++)
            {
                if (levels.Beta[g][plane] is double[] scales) shift[g, plane] = StoreBeta(scales, beta![g][plane].AsSpan(block.Columns.Start, width));
            }
        }

        RowParallel.For(rows, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                for (int g = 0; g < layout.Count; g++) StoreRow(levels.Rows[g][i], g, (i * blocks) + block.Index, shift);
                fitted.GroupsOfRow(i).CopyTo(Group.AsSpan((i * columns) + block.Columns.Start));
                Span<float> w = W.Row(i)[block.Columns.Start..block.Columns.End];
                for (int j = 0; j < width; j++)
                {
                    int at = (i * width) + j;
                    w[j] = onThreshold == OnThreshold.Middle
                        ? Keep(i, block, j, fitted.GroupOf[at], levels, levels.First[at], levels.Second[at])
                        : Nearest(i, block, j, fitted.GroupOf[at], w[j]);
                }
            }
        });
    }

    /// <summary>What will be stored.</summary>
    public GroupedSignMatrix ToMatrix()
    {
        ScaleFormat betaFormat = beta is null ? default : format.Kind == ScaleKind.Exact ? format : HalfBeta;
        var groups = new SignGroup[layout.Count];
        for (int g = 0; g < groups.Length; g++)
        {
            groups[g] = new SignGroup
            {
                Alpha = alpha[g],
                Mu = mu?[g],
                Beta = beta?[g],
                HasByteScales = alphaFormat != format,
                AlphaFormat = alphaFormat,
                MuFormat = mu is null ? default : format,
                BetaFormat = betaFormat,
            };
        }

        return new GroupedSignMatrix(first, groups, layout.Salient, groupSize) { SecondSigns = second, IsSalient = IsSalient, GroupOf = Group };
    }

    private float[][][] Tables(int length)
        => [.. Enumerable.Range(0, layout.Count).Select(g => Enumerable.Range(0, layout.PlanesOf(g)).Select(_ => new float[length]).ToArray())];

    /// <summary>Stores |β|, scaled into [1, 2) at its largest; the power of two that was taken out.</summary>
    private int StoreBeta(double[] scales, Span<float> stored)
    {
        double largest = scales.Max(Math.Abs);
        int exponent = largest > 0 ? Math.ILogB(largest) : 0;
        for (int j = 0; j < stored.Length; j++)
        {
            float value = (float)Math.ScaleB(Math.Abs(scales[j]), -exponent);
            stored[j] = format.Kind == ScaleKind.Exact ? value : Math.Min(HalfBeta.Round(value), LargestBeta);
        }

        return exponent;
    }

    private void StoreRow(RowLevels levels, int g, int at, int[,] shift)
    {
        alpha[g][0][at] = alphaFormat.Round((float)Math.ScaleB(Math.Abs(levels.Alpha), shift[g, 0]));
        if (layout.PlanesOf(g) == 2) alpha[g][1][at] = alphaFormat.Round((float)Math.ScaleB(Math.Abs(levels.SecondAlpha), shift[g, 1]));
        if (mu is not null) mu[g][at] = format.Round((float)levels.Mu);
    }

    /// <summary>s = α·β as stored.</summary>
    private float Scale(int g, int plane, int at, int j)
    {
        float s = alpha[g][plane][at];
        return beta is null ? s : s * beta[g][plane][j];
    }

    private float Keep(int i, ColumnBlock block, int inBlock, int g, BlockLevels levels, int b1, int b2)
    {
        int j = block.Columns.Start + inBlock;
        int at = (i * blocks) + block.Index;
        RowLevels row = levels.Rows[g][i];
        b1 *= SignOf(row.Alpha) * SignOf(levels.Beta[g][0]?[inBlock] ?? 1);
        if (b1 >= 0) first[i, j] = true;
        float value = (mu is null ? 0f : mu[g][at]) + (b1 * Scale(g, 0, at, j));
        if (layout.PlanesOf(g) == 1) return value;
        b2 *= SignOf(row.SecondAlpha) * SignOf(levels.Beta[g][1]?[inBlock] ?? 1);
        if (b2 >= 0) second[i, j] = true;
        return value + (b2 * Scale(g, 1, at, j));
    }

    private static int SignOf(double x) => x < 0 ? -1 : 1;

    private float Nearest(int i, ColumnBlock block, int inBlock, int g, float w)
    {
        int j = block.Columns.Start + inBlock;
        int at = (i * blocks) + block.Index;
        float s = Scale(g, 0, at, j);
        float upper = mu is null ? s : mu[g][at] + s;
        float lower = mu is null ? -s : mu[g][at] - s;
        if (layout.PlanesOf(g) == 1)
        {
            bool isUpper = Math.Abs(w - upper) <= Math.Abs(w - lower);
            if (isUpper) first[i, j] = true;
            return isUpper ? upper : lower;
        }

        // The four levels in the order of preference among equals.
        float t = Scale(g, 1, at, j);
        ReadOnlySpan<float> values = [upper + t, upper - t, lower + t, lower - t];
        int best = 0;
        for (int k = 1; k < 4; k++)
        {
            if (Math.Abs(w - values[k]) < Math.Abs(w - values[best])) best = k;
        }

        if (best < 2) first[i, j] = true;
        if ((best & 1) == 0) second[i, j] = true;
        return values[best];
    }
}
