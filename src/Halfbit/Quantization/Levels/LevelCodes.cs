using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using static Halfbit.Numerics.RowTile;

namespace Halfbit.Quantization.Levels;

/// <summary>Codes and levels of a whole matrix, as they will be stored.</summary>
internal sealed class LevelCodes
{
    private readonly int rows;
    private readonly int columns;
    private readonly int groupSize;
    private readonly int blocks;
    private readonly ScaleFormat alphaFormat;
    private readonly ScaleFormat meanFormat;
    private readonly ScaleFormat betaFormat;
    private readonly BitMatrix signs;
    private readonly BitMatrix secondSigns;
    private readonly float[][] alpha;
    private readonly float[] mean;
    private readonly float[] beta;

    /// <summary>Room for a matrix.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns n.</param>
    /// <param name="groupSize">Columns per block; -1: the whole row.</param>
    /// <param name="shape">The levels.</param>
    /// <param name="format">How scales are stored.</param>
    public LevelCodes(int rows, int columns, int groupSize, LevelShape shape, ScaleFormat format)
    {
        this.rows = rows;
        this.columns = columns;
        this.groupSize = ColumnRange.WidthOf(columns, groupSize);
        blocks = ColumnRange.CountOf(columns, groupSize);
        Shape = shape;
        meanFormat = format;
        alphaFormat = shape.HasByteScales ? format.ToByte() : format;
        ScaleFormat halves = format.Kind == ScaleKind.Exact ? format : ScaleFormat.HalfFor(ColumnScales.Largest);
        betaFormat = shape.HasByteScales ? halves.ToByte() : halves;
        signs = new BitMatrix(rows, columns);
        secondSigns = new BitMatrix(rows, columns);
        alpha = [.. Enumerable.Range(0, shape.Levels).Select(_ => new float[rows * blocks])];
        mean = new float[rows * blocks];
        beta = new float[columns];
        Array.Fill(beta, 1f);
        IsSalient = new bool[columns];
        GroupOf = new byte[rows * columns];
        Keep = shape.Pattern is null ? null : new BitMatrix(rows, columns);
    }

    /// <summary>The levels.</summary>
    public LevelShape Shape { get; }

    /// <summary>[n].</summary>
    public bool[] IsSalient { get; }

    /// <summary>[rows · n], the group of each weight: those of salient columns first.</summary>
    public byte[] GroupOf { get; }

    /// <summary>[rows, n], kept weights; null without a pattern.</summary>
    public BitMatrix? Keep { get; }

    /// <summary>Notes the salient columns of a block and fixes its column scales, [w].</summary>
    public float[] BeginBlock(ColumnBlock block, Matrix W, BlockMetric metric, bool[] isSalient)
    {
        isSalient.CopyTo(IsSalient, block.Columns.Start);
        if (Shape.HasColumnScales) ColumnScales.Of(W.View[block.Columns], metric, betaFormat).CopyTo(beta, block.Columns.Start);
        return beta[block.Columns.Start..block.Columns.End];
    }

    /// <summary>Rounds the levels of a tile to what is stored: one scale per plain group, two per salient group, whose sum and difference are its magnitudes.</summary>
    public void RoundScales(LevelTile tile)
    {
        for (int r = 0; r < Lanes; r++)
        {
            tile.Mu[r] = meanFormat.Round(tile.Mu[r]);
            for (int s = 0; s < Shape.SalientLevels; s += 2)
            {
                float low = tile.Levels[(s * Lanes) + r];
                float high = tile.Levels[((s + 1) * Lanes) + r];
                float sum = Storable((low + high) / 2);
                float difference = Below(sum, alphaFormat.Round((high - low) / 2));
                tile.Levels[(s * Lanes) + r] = sum - difference;
                tile.Levels[((s + 1) * Lanes) + r] = sum + difference;
                tile.PlaneScales[(s * Lanes) + r] = sum;
                tile.PlaneScales[((s + 1) * Lanes) + r] = difference;
            }

            for (int p = Shape.SalientLevels; p < Shape.Levels; p++)
                tile.PlaneScales[(p * Lanes) + r] = tile.Levels[(p * Lanes) + r] = Storable(tile.Levels[(p * Lanes) + r]);
        }
    }

    /// <summary>Keeps the codes and scales of a tile, and writes what they stand for into its rows.</summary>
    public void Store(LevelTile tile, ColumnBlock block, Matrix W, int firstRow)
    {
        int count = Math.Min(Lanes, rows - firstRow);
        for (int r = 0; r < count; r++)
        {
            int i = firstRow + r;
            int at = (i * blocks) + block.Index;
            for (int s = 0; s < Shape.Levels; s++) alpha[s][at] = tile.PlaneScales[(s * Lanes) + r];
            mean[at] = tile.Mu[r];
            Span<float> row = W.Row(i)[block.Columns.Start..block.Columns.End];
            for (int j = 0; j < row.Length; j++)
                row[j] = StoreWeight(i, block.Columns.Start + j, at, tile.Code[(j * Lanes) + r], tile.Keep[(j * Lanes) + r] != 0);
        }
    }

    /// <summary>The logical matrix.</summary>
    public QuantizedMatrix ToMatrix()
    {
        int salientGroups = Array.IndexOf(IsSalient, true) >= 0 ? Shape.SalientGroups : 0;
        var groups = new List<SignGroup>();
        for (int s = 0; s < salientGroups; s++) groups.Add(Group(alpha[2 * s], alpha[(2 * s) + 1]));
        for (int p = Shape.SalientLevels; p < Shape.Levels; p++) groups.Add(Group(alpha[p]));
        int absent = Shape.SalientGroups - salientGroups;
        return new GroupedSignMatrix(signs, groups, salientGroups, groupSize)
        {
            SecondSigns = salientGroups > 0 ? secondSigns : null,
            IsSalient = salientGroups > 0 ? IsSalient : null,
            GroupOf = salientGroups > 1 || Shape.PlainGroups > 1 ? Array.ConvertAll(GroupOf, g => (byte)(g - absent)) : null,
            Keep = Keep,
            Pattern = Shape.Pattern,
        };
    }

    private SignGroup Group(params float[][] planes) => new()
    {
        Alpha = planes,
        Mu = Shape.HasMean ? mean : null,
        Beta = Shape.HasColumnScales ? [.. planes.Select(_ => beta)] : null,
        HasByteScales = Shape.HasByteScales,
        AlphaFormat = alphaFormat,
        MuFormat = Shape.HasMean ? meanFormat : default,
        BetaFormat = Shape.HasColumnScales ? betaFormat : default,
    };

    /// <summary>A scale that can be stored; under a pattern never zero, since only weights that are left out are zero.</summary>
    private float Storable(float scale)
    {
        float stored = alphaFormat.Round(scale);
        return stored > 0 || Shape.Pattern is null ? stored : alphaFormat.Kind switch
        {
            ScaleKind.Byte => alphaFormat.Decode((byte)1),
            ScaleKind.Half => alphaFormat.Decode(Half.Epsilon),
            _ => 1e-30f,
        };
    }

    /// <summary>The largest storable scale up to <paramref name="difference"/> that is below <paramref name="sum"/>: both magnitudes of a salient weight are above zero.</summary>
    private float Below(float sum, float difference)
    {
        while (difference > 0 && difference >= sum)
        {
            difference = alphaFormat.Kind switch
            {
                ScaleKind.Byte => alphaFormat.Decode((byte)(alphaFormat.EncodeByte(difference) - 1)),
                ScaleKind.Half => alphaFormat.Decode(Half.BitDecrement(alphaFormat.Encode(difference))),
                _ => MathF.BitDecrement(difference),
            };
        }

        return difference;
    }

    /// <summary>Keeps one code; returns its value, with the very operations of <see cref="GroupedSignMatrix"/>.</summary>
    private float StoreWeight(int i, int j, int at, float code, bool isKept)
    {
        bool isSalient = IsSalient[j];
        ref byte group = ref GroupOf[(i * columns) + j];
        if (!isKept)
        {
            group = (byte)(isSalient ? 0 : Shape.SalientGroups);
            return 0f;
        }

        if (Keep is not null) Keep[i, j] = true;
        bool isPositive = code > 0;
        int number = (int)MathF.Abs(code) - 1;
        int level = isSalient ? number & ~1 : Shape.SalientLevels + number;
        group = (byte)(isSalient ? number / 2 : Shape.SalientGroups + number);
        if (isPositive) signs[i, j] = true;
        float scale = alpha[level][at] * beta[j];
        float value = isPositive ? scale : -scale;
        if (Shape.HasMean) value = mean[at] + value;
        if (!isSalient) return value;

        // The outer magnitude has both signs alike.
        bool second = (number & 1) == (isPositive ? 1 : 0);
        if (second) secondSigns[i, j] = true;
        float rest = alpha[level + 1][at] * beta[j];
        return value + (second ? rest : -rest);
    }
}
