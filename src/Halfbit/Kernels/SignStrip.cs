using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Where a sign strip's weights come from, by row and column of the matrix.</summary>
/// <param name="Sign">Whether the first sign is +.</param>
internal sealed record SignSource(Func<int, int, bool> Sign)
{
    /// <summary>Whether the second sign is +; null with one plane.</summary>
    public Func<int, int, bool>? SecondSign { get; init; }

    /// <summary>Whether a weight is not zero; null: none is.</summary>
    public Func<int, int, bool>? IsKept { get; init; }

    /// <summary>The group of a weight, counted from 0 within the strip; null with one group.</summary>
    public Func<int, int, int>? Group { get; init; }

    /// <summary>[groups][planes], row scales by row.</summary>
    public required Func<int, float>[][] Alpha { get; init; }

    /// <summary>[groups], means by row; null: none.</summary>
    public Func<int, float>[]? Mu { get; init; }
}

/// <summary>
/// Signs in one to four groups, of one or two planes: y += Σ_g α_g·D_g, D_g = 2·S(s ∧ m_g) − S(m_g), where m_g marks the group's kept weights and S sums activations over set bits.
/// </summary>
/// <remarks>
/// A record holds the planes: signs, second signs, kept weights, marks of groups 1, 2, …; signs are 0 where nothing is kept. Then the scales of each group: α, second α, μ.
/// What group 0 has is what the others leave.
/// </remarks>
internal sealed unsafe class SignStrip : Strip
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly int groups;
    private readonly bool hasSecond;
    private readonly bool hasKeep;
    private readonly bool hasMean;
    private readonly ScaleTable[] alpha;
    private readonly ScaleTable[] mu;

    /// <summary>A strip of signs.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="source">Its weights.</param>
    /// <param name="alphaFormats">[groups], how row scales are stored.</param>
    /// <param name="muFormats">[groups], how means are stored; ignored without means.</param>
    /// <param name="isKeptGiven">Whether the plane of kept weights is left out, since <see cref="AddKept"/> gets their sums.</param>
    public SignStrip(int[] columns, SignSource source, IReadOnlyList<ScaleFormat> alphaFormats, IReadOnlyList<ScaleFormat> muFormats, bool isKeptGiven = false)
        : base(columns)
    {
        groups = source.Alpha.Length;
        hasSecond = source.SecondSign is not null;
        hasKeep = source.IsKept is not null && !isKeptGiven;
        hasMean = source.Mu is not null;
        alpha = [.. alphaFormats.Select(f => new ScaleTable(f))];
        mu = hasMean ? [.. muFormats.Select(f => new ScaleTable(f))] : [];
        int planes = 1 + (hasSecond ? 1 : 0) + (hasKeep ? 1 : 0) + groups - 1;
        int scales = alpha.Sum(a => a.ByteCount) * (hasSecond ? 2 : 1) + mu.Sum(m => m.ByteCount);
        ByteCount = (planes * PlaneBytes) + scales;
    }

    /// <inheritdoc/>
    public override int ByteCount { get; }

    private int KeepAt => (hasSecond ? 2 : 1) * PlaneBytes;

    /// <summary>Writes a record.</summary>
    public void Write(byte* record, SignSource source, int firstRow, int rows)
    {
        bool IsKept(int i, int j) => source.IsKept is null || source.IsKept(i, j);
        byte* at = record;
        Plane((i, j) => source.Sign(i, j) && IsKept(i, j));
        if (hasSecond) Plane((i, j) => source.SecondSign!(i, j) && IsKept(i, j));
        if (hasKeep) Plane(IsKept);
        for (int g = 1; g < groups; g++) Plane((i, j) => source.Group!(i, j) == g && IsKept(i, j));
        for (int g = 0; g < groups; g++)
        {
            foreach (Func<int, float> plane in source.Alpha[g]) Scales(alpha[g], plane);
            if (hasMean) Scales(mu[g], source.Mu![g]);
        }

        void Plane(Func<int, int, bool> isSet)
        {
            WritePlane(at, firstRow, rows, isSet);
            at += PlaneBytes;
        }

        void Scales(in ScaleTable table, Func<int, float> scaleOf)
        {
            WriteScales(at, table, firstRow, rows, scaleOf);
            at += table.ByteCount;
        }
    }

    /// <inheritdoc/>
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        byte* signs = record;
        byte* second = hasSecond ? signs + PlaneBytes : null;
        byte* keep = signs + KeepAt;
        byte* marks = keep + (hasKeep ? PlaneBytes : 0);
        byte* scales = marks + ((groups - 1) * PlaneBytes);
        if (groups == 1 && !hasSecond && !hasKeep && !hasMean)
        {
            kernel.AddSigned(signs, ByteRows, input, alpha[0], scales, y);
            return;
        }

        AddMarked(kernel, signs, second, keep, marks, scales, input, y);
    }

    /// <inheritdoc/>
    /// <remarks>One group of one plane.</remarks>
    [SkipLocalsInit]
    public override void AddKept(byte* record, in StripInput input, int* kept, float* y, PlaneKernel kernel)
    {
        int* firstRoom = stackalloc int[Rows + PlaneKernel.LineRows];
        int* first = (int*)PlaneKernel.AlignedLine(firstRoom);
        Sum(kernel, record, null, input, first);
        PlaneKernel.Fetch(record + PlaneBytes, BytesOfScales(0), input.Ahead);
        TileSums.ToSigned(first, kept);
        AddGroup(0, record + PlaneBytes, input.Scale, first, null, kept, y);
    }

    [SkipLocalsInit]
    private void AddMarked(PlaneKernel kernel, byte* signs, byte* second, byte* keep, byte* marks, byte* scales, in StripInput input, float* y)
    {
        int* firstRoom = stackalloc int[(Rows * 3) + PlaneKernel.LineRows];
        int* first = (int*)PlaneKernel.AlignedLine(firstRoom);
        int* residual = first + Rows;
        int* all = residual + Rows;
        if (groups == 2 && !hasSecond && !hasKeep && !hasMean)
        {
            AddTwo(kernel, signs, marks, scales, input, first, y);
            return;
        }

        Sum(kernel, signs, null, input, first);
        if (hasKeep) Sum(kernel, keep, null, input, all);
        else TileSums.Fill(all, input.Total);
        TileSums.ToSigned(first, all);
        if (hasSecond)
        {
            Sum(kernel, second, null, input, residual);
            TileSums.ToSigned(residual, all);
        }

        PlaneKernel.Fetch(scales, ByteCount - (int)(scales - signs), input.Ahead);
        byte* ofFirstGroup = scales;
        scales += BytesOfScales(0);
        AddGroups(kernel, signs, second, marks, scales, input, first, residual, all, y);
        AddGroup(0, ofFirstGroup, input.Scale, first, residual, all, y);
    }

    /// <summary>Two groups of one plane: three sums in one pass.</summary>
    private void AddTwo(PlaneKernel kernel, byte* signs, byte* marks, byte* scales, in StripInput input, int* sums, float* y)
    {
        kernel.SumMarked(signs, marks, input.Tables, ByteRows, sums, input.Ahead);
        PlaneKernel.Fetch(scales, ByteCount - (int)(scales - signs), input.Ahead);
        int* ofSecond = sums + Rows;
        TileSums.ToSigned(sums, input.Total);
        TileSums.Part(sums, ofSecond, ofSecond + Rows);
        TileSums.AddScaled(ofSecond, alpha[1], scales + alpha[0].ByteCount, input.Scale, y);
        TileSums.AddScaled(sums, alpha[0], scales, input.Scale, y);
    }

    /// <summary>Adds all groups but the first, and takes them from its sums.</summary>
    [SkipLocalsInit]
    private void AddGroups(PlaneKernel kernel, byte* signs, byte* second, byte* marks, byte* scales, in StripInput input, int* first, int* residual, int* all, float* y)
    {
        int* sumsRoom = stackalloc int[(Rows * 3) + PlaneKernel.LineRows];
        int* sums = (int*)PlaneKernel.AlignedLine(sumsRoom);
        for (int g = 1; g < groups; g++)
        {
            int* ofSecond = sums + Rows;
            int* members = ofSecond + Rows;
            Sum(kernel, marks, null, input, members);
            Sum(kernel, signs, marks, input, sums);
            TileSums.Part(first, sums, members);
            if (hasSecond)
            {
                Sum(kernel, second, marks, input, ofSecond);
                TileSums.Part(residual, ofSecond, members);
            }

            if (hasMean) TileSums.Subtract(all, members);
            AddGroup(g, scales, input.Scale, sums, ofSecond, members, y);
            marks += PlaneBytes;
            scales += BytesOfScales(g);
        }
    }

    private void AddGroup(int g, byte* scales, float s, int* first, int* residual, int* members, float* y)
    {
        TileSums.AddScaled(first, alpha[g], scales, s, y);
        scales += alpha[g].ByteCount;
        if (hasSecond)
        {
            TileSums.AddScaled(residual, alpha[g], scales, s, y);
            scales += alpha[g].ByteCount;
        }

        if (hasMean) TileSums.AddScaled(members, mu[g], scales, s, y);
    }

    private int BytesOfScales(int g) => (alpha[g].ByteCount * (hasSecond ? 2 : 1)) + (hasMean ? mu[g].ByteCount : 0);

    private void Sum(PlaneKernel kernel, byte* plane, byte* mask, in StripInput input, int* sums) => kernel.Sum(plane, mask, input.Tables, ByteRows, sums, input.Ahead);
}
