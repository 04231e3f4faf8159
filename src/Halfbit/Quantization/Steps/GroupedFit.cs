using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Fits the levels of all groups of a block, row by row, and codes its cells.</summary>
/// <param name="Codes">Receives levels and signs; its groups of the block are set.</param>
/// <param name="Omega">[w], weight ω_j ≥ 0 of each column in the fit.</param>
/// <param name="Zero">What becomes of a weight exactly on a threshold. <see cref="OnThreshold.Middle"/> is the released programs' fit: each plane takes the signs of its own residual, sign(0) = 0; otherwise each weight takes the nearest stored level.</param>
/// <param name="Keep">[rows, n], kept cells; others become 0 and take no part. Null: all.</param>
internal sealed record GroupedFit(GroupedCodes Codes, double[] Omega, OnThreshold Zero, BitMatrix? Keep = null)
{
    private const int MostPlanes = 2;
    private const int RowGrain = 16;

    /// <summary>Quantizes the block's cells in <paramref name="W"/>.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="W">[rows, n]; the block's columns are replaced.</param>
    public void Quantize(ColumnBlock block, Matrix W) => RowParallel.For(W.Rows, RowGrain, (start, end) =>
    {
        Scratch scratch = Scratch.ForThread(block.Columns.Count, Codes.Groups);
        for (int i = start; i < end; i++)
        {
            Span<float> w = W.Row(i)[block.Columns.Start..block.Columns.End];
            Distribute(block, i, scratch);
            for (int g = 0; g < Codes.Groups; g++) QuantizeGroup(block, i, g, w, scratch);
            Codes.SetFirstSigns(i, block.Columns, scratch.Bits.AsSpan(0, w.Length));
            if (Keep is null) continue;
            for (int j = 0; j < w.Length; j++)
            {
                if (!Keep[i, block.Columns.Start + j]) w[j] = 0f;
            }
        }
    });

    /// <summary>Lists the kept columns of each group.</summary>
    private void Distribute(ColumnBlock block, int row, Scratch scratch)
    {
        ReadOnlySpan<byte> groups = Codes.GroupsOf(row, block.Columns);
        int[] counts = scratch.Counts;
        int[][] members = scratch.Members;
        counts.AsSpan().Clear();
        for (int j = 0; j < groups.Length; j++)
        {
            if (Keep is not null && !Keep[row, block.Columns.Start + j]) continue;
            int g = groups[j];
            members[g][counts[g]++] = j;
        }
    }

    private void QuantizeGroup(ColumnBlock block, int row, int group, Span<float> w, Scratch scratch)
    {
        ReadOnlySpan<int> columns = scratch.Members[group].AsSpan(0, scratch.Counts[group]);
        int n = columns.Length;
        Span<float> x = scratch.X.AsSpan(0, n);
        Span<double> omega = scratch.Omega.AsSpan(0, n);
        for (int k = 0; k < n; k++)
        {
            x[k] = w[columns[k]];
            omega[k] = Omega[columns[k]];
        }

        int planes = Codes.PlanesOf(group);
        Span<float> mu = stackalloc float[MostPlanes];
        Span<float> alpha = stackalloc float[MostPlanes];
        mu = mu[..planes];
        alpha = alpha[..planes];
        ResidualBinarization.Fit(x, omega, Codes.HasMeans, Zero, mu, alpha, scratch.Signs, scratch.Residual);
        SignLevels levels = Codes.SetLevels(row, block.Index, group, planes == 1 ? mu[0] : mu[0] + mu[1], alpha);
        byte[] bits = scratch.Bits;
        for (int k = 0; k < n; k++)
        {
            (int first, int second) = Zero == OnThreshold.Middle ? (scratch.Signs[k], planes == 1 ? 1 : scratch.Signs[n + k]) : levels.Nearest(x[k]);
            int j = columns[k];
            bits[j] = (byte)(first >= 0 ? 1 : 0);
            if (planes > 1) Codes.SetSecondSign(row, block.Columns.Start + j, second);
            w[j] = levels.Value(first, second);
        }
    }

    private sealed class Scratch(int columns, int groups)
    {
        [ThreadStatic]
        private static Scratch? ofThread;

        public int[] Counts { get; } = new int[groups];

        public int[][] Members { get; } = [.. Enumerable.Range(0, groups).Select(_ => new int[columns])];

        public float[] X { get; } = new float[columns];

        public double[] Omega { get; } = new double[columns];

        public byte[] Bits { get; } = new byte[columns];

        public sbyte[] Signs { get; } = new sbyte[MostPlanes * columns];

        public float[] Residual { get; } = new float[columns];

        public static Scratch ForThread(int columns, int groups)
        {
            if (ofThread is null || ofThread.X.Length < columns || ofThread.Counts.Length < groups) ofThread = new Scratch(columns, groups);
            return ofThread;
        }
    }
}
