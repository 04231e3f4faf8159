using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using static Halfbit.Numerics.RowTile;

namespace Halfbit.Quantization.Levels;

/// <summary>Fits codes and levels of block after block to each other, in the metric of what later columns cannot make up for; remembers both.</summary>
internal sealed class LevelQuantizer : IBlockQuantizer
{
    private readonly int rows;
    private readonly int columns;
    private readonly int groupSize;
    private readonly int blocks;
    private readonly LevelShape shape;
    private readonly bool[]? isDead;
    private readonly BitMatrix? fixedKeep;
    private readonly Func<ColumnRange, Matrix, BlockMetric, bool[]> chooseSalient;
    private readonly ScaleFormat alphaFormat;
    private readonly ScaleFormat meanFormat;
    private readonly ScaleFormat betaFormat;
    private readonly BitMatrix signs;
    private readonly BitMatrix secondSigns;
    private readonly BitMatrix? keep;
    private readonly byte[] groupOf;
    private readonly bool[] isSalient;
    private readonly float[][] alpha;
    private readonly float[] mean;
    private readonly float[]? beta;
    private readonly float[] secondBeta;

    public LevelQuantizer(
        int rows,
        int columns,
        int groupSize,
        LevelShape shape,
        ScaleFormat format,
        bool[]? isDead,
        BitMatrix? fixedKeep,
        Func<ColumnRange, Matrix, BlockMetric, bool[]> chooseSalient)
    {
        this.rows = rows;
        this.columns = columns;
        this.groupSize = ColumnRange.WidthOf(columns, groupSize);
        blocks = ColumnRange.CountOf(columns, groupSize);
        this.shape = shape;
        this.isDead = isDead;
        this.fixedKeep = fixedKeep;
        this.chooseSalient = chooseSalient;
        alphaFormat = shape.HasByteScales ? format.ToByte() : format;
        meanFormat = format;
        signs = new BitMatrix(rows, columns);
        secondSigns = new BitMatrix(rows, columns);
        keep = shape.Pattern is null ? null : new BitMatrix(rows, columns);
        groupOf = new byte[rows * columns];
        isSalient = new bool[columns];
        alpha = [.. Enumerable.Range(0, shape.RowScales).Select(_ => new float[rows * blocks])];
        mean = new float[rows * blocks];
        if (shape.HasColumnScales || shape.SharesScale) beta = new float[columns];
        secondBeta = new float[columns];
        betaFormat = format.Kind == ScaleKind.Exact ? format : shape.HasByteScales ? ScaleFormat.HalfFor(4f).ToByte() : ScaleFormat.HalfFor(4f);
    }

    /// <inheritdoc/>
    public void Quantize(ColumnBlock block, Matrix W)
    {
        var metric = new BlockMetric(block, isDead);
        bool[] salient = chooseSalient(block.Columns, W, metric);
        salient.CopyTo(isSalient, block.Columns.Start);
        var levels = new ColumnLevels(W.View[block.Columns], shape, metric, salient, betaFormat);
        if (beta is not null)
        {
            levels.Beta.CopyTo(beta, block.Columns.Start);
            levels.SecondBeta.CopyTo(secondBeta, block.Columns.Start);
        }

        RowParallel.For((rows + Lanes - 1) / Lanes, 1, (start, end) =>
        {
            var tile = new LevelTile(shape, metric, salient, levels);
            for (int t = start; t < end; t++) Fit(tile, block, W, t * Lanes);
        });
    }

    public QuantizedMatrix ToMatrix()
    {
        bool hasSalient = Array.IndexOf(isSalient, true) >= 0;
        var groups = new List<SignGroup>();
        for (int s = 0; hasSalient && s < shape.SalientGroups; s++) groups.Add(Group([ScaleOf(2 * s), ScaleOf((2 * s) + 1)], [beta!, secondBeta], shape.HasColumnScales || shape.SharesScale));
        for (int p = 0; p < shape.PlainGroups; p++) groups.Add(Group([ScaleOf(shape.SalientLevels + p)], [beta!], shape.HasColumnScales));
        bool hasMarks = shape.PlainGroups > 1 || (hasSalient && shape.SalientGroups > 1);
        return new GroupedSignMatrix(signs, groups, hasSalient ? shape.SalientGroups : 0, groupSize)
        {
            SecondSigns = hasSalient ? secondSigns : null,
            IsSalient = hasSalient ? isSalient : null,
            GroupOf = hasMarks ? (hasSalient ? groupOf : Array.ConvertAll(groupOf, g => (byte)(g - shape.SalientGroups))) : null,
            Keep = keep,
            Pattern = shape.Pattern,
        };
    }

    /// <summary>The row scales of a magnitude; one table where all share it.</summary>
    private float[] ScaleOf(int level) => alpha[shape.SharesScale ? 0 : level];

    private SignGroup Group(float[][] tables, float[][] columnScales, bool hasColumnScales) => new()
    {
        Alpha = tables,
        Mu = shape.HasMean ? mean : null,
        Beta = hasColumnScales ? columnScales : null,
        BetaFormat = hasColumnScales ? betaFormat : default,
        HasByteScales = shape.HasByteScales,
        AlphaFormat = alphaFormat,
        MuFormat = shape.HasMean ? meanFormat : default,
    };

    private void Fit(LevelTile tile, ColumnBlock block, Matrix W, int firstRow)
    {
        Load(W.View[block.Columns], firstRow, tile.X);
        LoadKeep(tile, block, firstRow);
        tile.Initialize();
        bool selects = shape.Pattern is not null && fixedKeep is null;
        tile.Walk(selects, block.Columns.Start, columns);
        tile.Refit();
        tile.Walk(selects, block.Columns.Start, columns);
        tile.Refit();
        int rounds = int.Parse(Environment.GetEnvironmentVariable("ROUNDS") ?? "1");
        bool sw = selects && Environment.GetEnvironmentVariable("NOSWAP") is null;
        for (int k = 0; k < rounds; k++)
        {
            tile.Descend(2, sw, block.Columns.Start);
            tile.Refit();
        }

        RoundScales(tile);
        tile.Descend(2, sw, block.Columns.Start);
        Store(tile, block, W, firstRow);
    }

    private void LoadKeep(LevelTile tile, ColumnBlock block, int firstRow)
    {
        if (fixedKeep is null)
        {
            Array.Fill(tile.Keep, 1f);
            return;
        }

        for (int r = 0; r < Lanes; r++)
        {
            for (int j = 0; j < block.Columns.Count; j++)
                tile.Keep[(j * Lanes) + r] = firstRow + r < rows && fixedKeep[firstRow + r, block.Columns.Start + j] ? 1f : 0f;
        }
    }

    /// <summary>Rounds levels to what is stored: one scale per plain group, two per salient group, whose sum and difference are its magnitudes.</summary>
    private void RoundScales(LevelTile tile)
    {
        Span<float> levels = stackalloc float[16];
        for (int r = 0; r < Lanes; r++)
        {
            tile.Mu[r] = meanFormat.Round(tile.Mu[r]);
            if (shape.SharesScale)
            {
                tile.Levels[r] = Storable(tile.Levels[r]);
                continue;
            }

            for (int s = 0; s < shape.SalientLevels; s++) levels[s] = tile.Levels[(s * Lanes) + r];
            levels[..shape.SalientLevels].Sort();
            for (int s = 0; s < shape.SalientLevels; s += 2)
            {
                float sum = Storable((levels[s] + levels[s + 1]) / 2);
                float difference = alphaFormat.Round((levels[s + 1] - levels[s]) / 2);
                tile.Levels[(s * Lanes) + r] = sum - difference;
                tile.Levels[((s + 1) * Lanes) + r] = sum + difference;
            }

            for (int p = shape.SalientLevels; p < shape.Levels; p++) tile.Levels[(p * Lanes) + r] = Storable(tile.Levels[(p * Lanes) + r]);
        }
    }

    private float Storable(float value) => alphaFormat.Round(value);

    private void Store(LevelTile tile, ColumnBlock block, Matrix W, int firstRow)
    {
        int count = Math.Min(Lanes, rows - firstRow);
        for (int r = 0; r < count; r++)
        {
            int i = firstRow + r;
            int at = (i * blocks) + block.Index;
            if (shape.SharesScale) alpha[0][at] = tile.Levels[r];
            for (int s = 0; !shape.SharesScale && s < shape.SalientLevels; s += 2)
            {
                float low = tile.Levels[(s * Lanes) + r];
                float high = tile.Levels[((s + 1) * Lanes) + r];
                alpha[s][at] = Storable((low + high) / 2);
                alpha[s + 1][at] = alphaFormat.Round((high - low) / 2);
            }

            for (int p = shape.SalientLevels; p < shape.RowScales; p++) alpha[p][at] = tile.Levels[(p * Lanes) + r];
            mean[at] = tile.Mu[r];
            Span<float> row = W.Row(i)[block.Columns.Start..block.Columns.End];
            for (int j = 0; j < row.Length; j++)
            {
                float code = tile.Code[(j * Lanes) + r];
                int column = block.Columns.Start + j;
                if (tile.Keep[(j * Lanes) + r] == 0)
                {
                    row[j] = 0;
                    groupOf[(i * columns) + column] = (byte)(isSalient[column] ? 0 : shape.SalientGroups);
                    continue;
                }

                if (keep is not null) keep[i, column] = true;
                bool isPositive = code > 0;
                int number = (int)MathF.Abs(code) - 1;
                if (isPositive) signs[i, column] = true;
                float scale = beta is null ? 1f : beta[column];
                float secondScale = beta is null ? 1f : secondBeta[column];
                float value;
                if (isSalient[column])
                {
                    int group = number / 2;
                    bool isHigh = number % 2 == 1;
                    bool second = isHigh == isPositive;
                    if (second) secondSigns[i, column] = true;
                    groupOf[(i * columns) + column] = (byte)group;
                    float s0 = ScaleOf(2 * group)[at] * scale;
                    float s1 = ScaleOf((2 * group) + 1)[at] * secondScale;
                    float t0 = isPositive ? s0 : -s0;
                    value = (shape.HasMean ? mean[at] + t0 : t0) + (second ? s1 : -s1);
                }
                else
                {
                    groupOf[(i * columns) + column] = (byte)(shape.SalientGroups + number);
                    float s0 = ScaleOf(shape.SalientLevels + number)[at] * scale;
                    float t0 = isPositive ? s0 : -s0;
                    value = shape.HasMean ? mean[at] + t0 : t0;
                }

                row[j] = value;
            }
        }
    }
}
