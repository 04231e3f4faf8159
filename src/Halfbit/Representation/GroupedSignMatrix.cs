using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>
/// Signs in groups: each weight belongs to one group of its row, which gives its levels; salient columns carry a second, residual sign plane; an N:M pattern may
/// leave weights out altogether. The common form of BiLLM, STBLLM and ARB-LLM.
/// </summary>
/// <remarks>
/// A kept weight (i, j) of group g in column block b stands for t₀ + t₁ with t₀ = μ + s₀ or μ − s₀ by its sign (s₀ or −s₀ without means) and, in groups with two planes,
/// t₁ = s₁ or −s₁ by its second sign; sₖ = αₖ,ᵢ,b·βₖ,ⱼ, or αₖ,ᵢ,b without column scales; all in single precision. A weight that is not kept is 0.
/// </remarks>
public sealed class GroupedSignMatrix : QuantizedMatrix
{
    /// <summary>A matrix of grouped signs.</summary>
    /// <param name="signs">[rows, columns]; a set bit is +1. Bits of weights that are not kept have no meaning.</param>
    /// <param name="groups">Groups of salient columns first, <paramref name="salientGroups"/> of them, then those of all other columns; at most 8.</param>
    /// <param name="salientGroups">Number of groups that salient columns use; 0: there are no salient columns.</param>
    /// <param name="groupSize">Columns per block, which share row scales; -1: the whole row.</param>
    public GroupedSignMatrix(BitMatrix signs, IReadOnlyList<SignGroup> groups, int salientGroups, int groupSize)
        : base(signs.Rows, signs.Columns)
    {
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentOutOfRangeException.ThrowIfNegative(salientGroups);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(groups.Count, 8);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(salientGroups, groups.Count);
        Signs = signs;
        Groups = groups;
        SalientGroups = salientGroups;
        GroupSize = ColumnRange.WidthOf(signs.Columns, groupSize);
        Blocks = ColumnRange.CountOf(signs.Columns, groupSize);
        foreach (SignGroup group in groups)
        {
            if (group.Planes is < 1 or > 2) throw new ArgumentException($"a group has {group.Planes} sign planes, expected 1 or 2", nameof(groups));
            foreach (float[] alpha in group.Alpha) Checked(alpha, Rows, Blocks, nameof(groups));
            if (group.Mu is not null) Checked(group.Mu, Rows, Blocks, nameof(groups));
            if (group.Beta is not null && (group.Beta.Count != group.Planes || group.Beta.Any(b => b.Length != Columns)))
                throw new ArgumentException($"column scales must be [{group.Planes}][{Columns}]", nameof(groups));
        }
    }

    /// <summary>[rows, columns]; a set bit is +1.</summary>
    public BitMatrix Signs { get; }

    /// <summary>[rows, columns]; residual signs, used where the weight's group has two planes. Null when none has.</summary>
    public BitMatrix? SecondSigns { get; init; }

    /// <summary>Scales: groups of salient columns, then groups of the other columns.</summary>
    public IReadOnlyList<SignGroup> Groups { get; }

    /// <summary>Number of groups that salient columns use.</summary>
    public int SalientGroups { get; }

    /// <summary>[columns]; true for salient columns. Null when there are none.</summary>
    public bool[]? IsSalient { get; init; }

    /// <summary>
    /// [rows · columns], the group of each weight: an index into <see cref="Groups"/>, below <see cref="SalientGroups"/> exactly in salient columns.
    /// Null when each kind of column has at most one group.
    /// </summary>
    public byte[]? GroupOf { get; init; }

    /// <summary>[rows, columns]; a set bit keeps the weight. Null: all are kept.</summary>
    public BitMatrix? Keep { get; init; }

    /// <summary>The pattern that <see cref="Keep"/> follows exactly, run by run (see <see cref="NOfM.KeptOfRun"/>). Null without a pattern.</summary>
    public NOfM? Pattern { get; init; }

    /// <summary>Columns per block, ≥ 1 (the last block may be narrower).</summary>
    public int GroupSize { get; }

    /// <summary>Blocks per row.</summary>
    public int Blocks { get; }

    /// <summary>The group of weight (<paramref name="i"/>, <paramref name="j"/>).</summary>
    public int Group(int i, int j) => GroupOf is not null ? GroupOf[(i * Columns) + j] : IsSalient is not null && IsSalient[j] ? 0 : SalientGroups;

    /// <inheritdoc/>
    public override QuantizedMatrix Stored(ScaleFormat format) => new GroupedSignMatrix(Signs, [.. Groups.Select(g => Stored(g, format))], SalientGroups, GroupSize)
    {
        SecondSigns = SecondSigns,
        IsSalient = IsSalient,
        GroupOf = GroupOf,
        Keep = Keep,
        Pattern = Pattern,
    };

    /// <inheritdoc/>
    public override void ReadRows(int firstRow, MatrixView<float> destination)
    {
        for (int r = 0; r < destination.Rows; r++)
        {
            int i = firstRow + r;
            Span<float> row = destination.Row(r);
            for (int j = 0; j < row.Length; j++) row[j] = Keep is null || Keep[i, j] ? Value(i, j) : 0f;
        }
    }

    private float Value(int i, int j)
    {
        SignGroup group = Groups[Group(i, j)];
        int at = (i * Blocks) + (j / GroupSize);
        float s = group.Alpha[0][at];
        if (group.Beta is not null) s *= group.Beta[0][j];
        if (!Signs[i, j]) s = -s;
        float value = group.Mu is null ? s : group.Mu[at] + s;
        if (group.Planes == 1) return value;
        float second = group.Alpha[1][at];
        if (group.Beta is not null) second *= group.Beta[1][j];
        return value + (SecondSigns![i, j] ? second : -second);
    }

    /// <summary>Row scales keep their width of eight bits where the method chose it; column scales get the exponent that suits them.</summary>
    private static SignGroup Stored(SignGroup group, ScaleFormat format)
    {
        ScaleFormat alphaFormat = group.HasByteScales ? format.ToByte() : format;
        ScaleFormat betaFormat = group.BetaFormat;
        if (betaFormat.Kind == ScaleKind.Exact && group.Beta is not null && format.Kind != ScaleKind.Exact)
        {
            betaFormat = ScaleFormat.HalfFor(group.Beta.Max(b => b.Max(MathF.Abs)));
            if (group.HasByteScales) betaFormat = betaFormat.ToByte();
        }

        return group with
        {
            Alpha = [.. group.Alpha.Select(a => Rounded(a, alphaFormat))],
            Mu = group.Mu is null ? null : Rounded(group.Mu, format),
            Beta = group.Beta is null ? null : [.. group.Beta.Select(b => Rounded(b, betaFormat))],
            AlphaFormat = alphaFormat,
            MuFormat = group.Mu is null ? default : format,
            BetaFormat = betaFormat,
        };
    }
}
