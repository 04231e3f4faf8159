using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

/// <summary>Random matrices of grouped signs.</summary>
/// <param name="SalientGroups">Groups of salient columns.</param>
/// <param name="OtherGroups">Groups of the other columns.</param>
/// <param name="SalientPlanes">Planes of groups of salient columns; 3: some have one, some two.</param>
/// <param name="OtherPlanes">Planes of the other groups.</param>
/// <param name="Pattern">N:M, or null.</param>
/// <param name="KeptShare">Kept weights without a pattern.</param>
/// <param name="HasMeans">Whether groups have means.</param>
/// <param name="HasBetas">Whether groups have column scales.</param>
/// <param name="Kind">How row scales are stored.</param>
internal sealed record RandomGroups(
    int SalientGroups, int OtherGroups, int SalientPlanes, int OtherPlanes, NOfM? Pattern = null, double KeptShare = 1, bool HasMeans = false, bool HasBetas = false, ScaleKind Kind = ScaleKind.Half)
{
    /// <summary>Share of salient columns.</summary>
    public double SalientShare { get; init; } = 0.15;

    /// <summary>Columns that share row scales; 0: any.</summary>
    public int GroupSize { get; init; }

    /// <summary>Share of the last group of each kind; 0: any.</summary>
    public double LastShare { get; init; }

    public static readonly NOfM[] Patterns = [new(2, 4), new(4, 8), new(5, 8), new(6, 8), new(3, 5), new(1, 1), new(1, 64), new(32, 64), new(8, 16), new(1, 3), new(13, 29)];

    public static RandomGroups Any(Random random)
    {
        int salient = random.Next(4);
        return new RandomGroups(salient, random.Next(salient > 0 && random.Next(5) == 0 ? 0 : 1, 5), random.Next(1, 4), random.Next(4) == 0 ? random.Next(1, 4) : 1)
        {
            Pattern = random.Next(2) == 0 ? Patterns[random.Next(Patterns.Length)] : null,
            KeptShare = random.Next(2) == 0 ? 1 : random.NextDouble(),
            HasMeans = random.Next(2) == 0,
            HasBetas = random.Next(2) == 0,
            Kind = (ScaleKind)random.Next(3),
        };
    }

    public GroupedSignMatrix Create(Random random, int rows, int columns)
    {
        bool[] isSalient = [.. Enumerable.Range(0, columns).Select(_ => OtherGroups == 0 || (SalientGroups > 0 && random.NextDouble() < SalientShare))];
        int groupSize = GroupSize > 0 ? GroupSize : random.Next(3) switch { 0 => -1, 1 => random.Next(1, columns + 1), _ => 16 * random.Next(1, 9) };
        int blocks = ColumnRange.CountOf(columns, groupSize);
        BitMatrix? keep = Keep(random, rows, columns);
        SignGroup[] groups = [.. Enumerable.Range(0, SalientGroups + OtherGroups).Select(g => Group(random, rows, columns, blocks, g))];
        if (HasBetas && random.Next(2) == 0) ShareBetas(random, groups);
        var groupOf = new byte[rows * columns];
        BitMatrix[] picks = [.. Enumerable.Range(0, 4).Select(_ => RandomMatrices.ClusteredMask(random, rows, columns, LastShare > 0 ? LastShare / (1 - LastShare) : random.NextDouble()))];
        for (int k = 0; k < groupOf.Length; k++)
        {
            (int i, int j) = (k / columns, k % columns);
            (int first, int count) = isSalient[j] ? (0, SalientGroups) : (SalientGroups, OtherGroups);
            int g = 0;
            while (g + 1 < count && picks[g][i, j]) g++;
            groupOf[k] = (byte)(first + g);
        }

        return new GroupedSignMatrix(RandomMatrices.Mask(random, rows, columns, 0.5), groups, SalientGroups, groupSize)
        {
            SecondSigns = groups.Any(g => g.Planes == 2) || random.Next(4) == 0 ? RandomMatrices.Mask(random, rows, columns, 0.5) : null,
            IsSalient = SalientGroups == 0 || (!isSalient.Contains(true) && random.Next(2) == 0) ? null : isSalient,
            GroupOf = SalientGroups < 2 && OtherGroups < 2 && random.Next(2) == 0 ? null : groupOf,
            Keep = keep,
            Pattern = Pattern,
        };
    }

    /// <summary>A mask with exactly what the pattern asks for in each run.</summary>
    public static BitMatrix Keep(Random random, int rows, int columns, NOfM pattern)
    {
        var keep = new BitMatrix(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int start = 0; start < columns; start += pattern.M)
            {
                int[] run = [.. Enumerable.Range(start, Math.Min(pattern.M, columns - start))];
                random.Shuffle(run);
                foreach (int j in run.Take(pattern.KeptOfRun(start, columns))) keep[i, j] = true;
            }
        }

        return keep;
    }

    /// <summary>Gives some groups the column scales of the first group for the same columns.</summary>
    private void ShareBetas(Random random, SignGroup[] groups)
    {
        for (int g = 0; g < groups.Length; g++)
        {
            SignGroup first = groups[g < SalientGroups ? 0 : SalientGroups];
            if (random.Next(4) > 0) groups[g] = groups[g] with { Beta = [.. groups[g].Alpha.Select(_ => first.Beta![0])], BetaFormat = first.BetaFormat };
        }
    }

    private BitMatrix? Keep(Random random, int rows, int columns)
        => Pattern is NOfM pattern ? Keep(random, rows, columns, pattern) : KeptShare < 1 ? RandomMatrices.ClusteredMask(random, rows, columns, KeptShare) : null;

    private SignGroup Group(Random random, int rows, int columns, int blocks, int g)
    {
        int planes = g < SalientGroups ? SalientPlanes : OtherPlanes;
        if (planes == 3) planes = random.Next(1, 3);
        ScaleFormat Format(ScaleKind kind) => kind == ScaleKind.Exact ? default : new ScaleFormat(kind, random.Next(-30, 10));
        (ScaleFormat alpha, ScaleFormat mu, ScaleFormat beta) = (Format(Kind), Format(Kind == ScaleKind.Exact ? Kind : ScaleKind.Half), Format(Kind));
        (int lowest, int width) = random.Next(3) switch { 0 => (0, 256), 1 => (random.Next(230), 20), _ => (random.Next(250), 5) };
        float[] Numbers(ScaleFormat format, int count)
            => format.Kind == ScaleKind.Byte ? [.. Enumerable.Range(0, count).Select(_ => format.Decode((byte)(lowest + random.Next(width))))] : RandomMatrices.Numbers(random, format, count);
        return new SignGroup
        {
            Alpha = [.. Enumerable.Range(0, planes).Select(_ => Numbers(alpha, rows * blocks))],
            Mu = HasMeans ? Numbers(mu, rows * blocks) : null,
            Beta = HasBetas ? [.. Enumerable.Range(0, planes).Select(_ => Numbers(beta, columns))] : null,
            HasByteScales = Kind == ScaleKind.Byte,
            AlphaFormat = alpha,
            MuFormat = HasMeans ? mu : default,
            BetaFormat = HasBetas ? beta : default,
        };
    }
}
