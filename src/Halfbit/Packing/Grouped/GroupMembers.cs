using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>A matrix of grouped signs as masks: which weights are kept, and which belong to each group.</summary>
internal sealed class GroupMembers
{
    private readonly BitMatrix[] members;

    private GroupMembers(GroupedSignMatrix matrix)
    {
        (int rows, int columns) = (matrix.Rows, matrix.Columns);
        AllColumns = new ColumnKind(columns, null, true, matrix.GroupSize, []).Words;
        IsSalient = matrix.SalientGroups == 0 ? null : matrix.IsSalient ?? new bool[columns];
        Keep = KeepOf(matrix, AllColumns);
        members = [.. matrix.Groups.Select(_ => new BitMatrix(rows, columns))];
        RowParallel.For(rows, 16, (start, end) =>
        {
            for (int i = start; i < end; i++) Fill(matrix, i);
        });
        int[] salient = Order(0, matrix.SalientGroups);
        var others = new ColumnKind(columns, IsSalient, false, matrix.GroupSize, Order(matrix.SalientGroups, members.Length - matrix.SalientGroups));
        Kinds = IsSalient is null ? [others] : [new ColumnKind(columns, IsSalient, true, matrix.GroupSize, salient), others];
    }

    /// <summary>[words]; a set bit for every column.</summary>
    public ulong[] AllColumns { get; }

    /// <summary>[columns]; null without groups of salient columns.</summary>
    public bool[]? IsSalient { get; }

    /// <summary>[rows, columns]; null when all weights are kept.</summary>
    public BitMatrix? Keep { get; }

    /// <summary>Salient columns (missing without groups for them), other columns; larger groups are told apart first.</summary>
    public ColumnKind[] Kinds { get; }

    /// <summary>[rows, columns]; the kept weights of group <paramref name="g"/>.</summary>
    public BitMatrix Of(int g) => members[g];

    /// <summary>The masks of a matrix.</summary>
    /// <exception cref="ArgumentException">The matrix contradicts itself.</exception>
    public static GroupMembers Of(GroupedSignMatrix matrix)
    {
        if (matrix.IsSalient is not null && matrix.IsSalient.Length != matrix.Columns) throw new ArgumentException($"{matrix.IsSalient.Length} marks of salient columns, the matrix has {matrix.Columns} columns", nameof(matrix));
        if (matrix.GroupOf is not null && matrix.GroupOf.Length != (long)matrix.Rows * matrix.Columns) throw new ArgumentException($"{matrix.GroupOf.Length} group indices are not [{matrix.Rows}, {matrix.Columns}]", nameof(matrix));
        if (matrix.SecondSigns is null && matrix.Groups.Any(g => g.Planes == 2)) throw new ArgumentException("a group has two sign planes, but there are no second signs", nameof(matrix));
        foreach (BitMatrix? bits in (BitMatrix?[])[matrix.SecondSigns, matrix.Keep])
        {
            if (bits is not null && (bits.Rows != matrix.Rows || bits.Columns != matrix.Columns)) throw new ArgumentException($"a mask [{bits.Rows}, {bits.Columns}] does not fit the matrix [{matrix.Rows}, {matrix.Columns}]", nameof(matrix));
        }

        return new GroupMembers(matrix);
    }

    /// <summary>The kept weights of several groups; null when there are no such groups.</summary>
    public BitMatrix? OfGroups(Func<int, bool> isWanted)
    {
        BitMatrix? sum = null;
        for (int g = 0; g < members.Length; g++)
        {
            if (!isWanted(g)) continue;
            sum ??= new BitMatrix(members[g].Rows, members[g].Columns);
            for (int w = 0; w < sum.Words.Length; w++) sum.Words[w] |= members[g].Words[w];
        }

        return sum;
    }

    private static BitMatrix? KeepOf(GroupedSignMatrix matrix, ulong[] allColumns)
    {
        if (matrix.Pattern is NOfM pattern)
        {
            if (pattern.N < 1 || pattern.N > pattern.M || pattern.M > NOfM.LargestRun) throw new ArgumentException($"the pattern {pattern} is not 1 ≤ N ≤ M ≤ {NOfM.LargestRun}", nameof(matrix));
            var runs = new RunCode(pattern, matrix.Columns);
            for (int i = 0; i < matrix.Rows; i++)
            {
                if (!runs.Follows(matrix.Keep is null ? allColumns : matrix.Keep.Row(i))) throw new ArgumentException($"row {i} does not keep {pattern} weights in every run", nameof(matrix));
            }

            if (pattern.N == pattern.M) return null;
        }

        return matrix.Keep is null || matrix.Keep.CountSet() == (long)matrix.Rows * matrix.Columns ? null : matrix.Keep;
    }

    private void Fill(GroupedSignMatrix matrix, int i)
    {
        for (int j = 0; j < matrix.Columns; j++)
        {
            if (Keep is not null && !Keep[i, j]) continue;
            int g = matrix.Group(i, j);
            bool isSalient = matrix.IsSalient is not null && matrix.IsSalient[j];
            if (g >= members.Length || g < matrix.SalientGroups != isSalient)
                throw new ArgumentException($"weight ({i}, {j}) belongs to group {g}, which does not fit {(isSalient ? "a salient" : "an ordinary")} column with {matrix.SalientGroups} groups for salient ones of {members.Length}", nameof(matrix));
            members[g][i, j] = true;
        }
    }

    private int[] Order(int first, int count) => [.. Enumerable.Range(first, count).OrderByDescending(g => members[g].CountSet())];
}
