namespace Halfbit.Packing;

/// <summary>Buffers of one thread for expanding grouped signs; they grow to the largest matrix and are then reused. Their content belongs to one row block.</summary>
internal sealed class GroupedScratch
{
    [ThreadStatic]
    private static GroupedScratch? current;

    private ulong[] members = [];
    private ulong[] keep = [];
    private int[] keptRanks = [];
    private int[] secondRanks = [];
    private ushort[] keptLanes = [];
    private ushort[] columnMasks = [];
    private ushort[] valid = [];
    private ushort[] decoded = [];
    private byte[] columnClasses = [];
    private ulong[] signs = [];
    private ulong[] secondSigns = [];
    private ulong[] secondMembers = [];
    private float[] betas = [];

    /// <summary>The calling thread's buffers.</summary>
    public static GroupedScratch Current => current ??= new GroupedScratch();

    /// <summary>What the buffers hold: (identity of the matrix, row block, rows decoded so far); identity 0: nothing.</summary>
    public (long Matrix, int Block, int Rows) Cached { get; set; }

    /// <summary>Whose column scales are in <see cref="Betas"/>.</summary>
    public long BetasOf { get; set; }

    /// <summary>Where the decoder of the block goes on.</summary>
    public int Position { get; set; }

    /// <summary>[16, …] frequencies of a group of rows.</summary>
    public uint[] Frequencies { get; } = new uint[(1 << MaskModelParameters.MaximumBits) * MaskDecoder.MaximumLanes];

    /// <summary>States of the block's decoder.</summary>
    public uint[] States { get; } = new uint[MaskDecoder.MaximumLanes];

    /// <summary>[groups, rows of the block, words].</summary>
    public Span<ulong> Members(int words) => Take(ref members, words);

    /// <summary>[rows of the block, words].</summary>
    public Span<ulong> Keep(int words) => Take(ref keep, words);

    /// <summary>[rows of the block + 1], kept weights of the matrix before each row.</summary>
    public Span<int> KeptRanks(int rows) => Take(ref keptRanks, rows);

    /// <summary>[rows of the block + 1], second signs of the matrix before each row.</summary>
    public Span<int> SecondRanks(int rows) => Take(ref secondRanks, rows);

    public Span<ushort> KeptLanes(int columns) => Take(ref keptLanes, columns);

    public Span<ushort> ColumnMasks(int columns) => Take(ref columnMasks, columns);

    public Span<ushort> Valid(int columns) => Take(ref valid, columns);

    public Span<ushort> Decoded(int columns) => Take(ref decoded, columns);

    public Span<byte> ColumnClasses(int columns) => Take(ref columnClasses, columns);

    public Span<ulong> Signs(int words) => Take(ref signs, words);

    public Span<ulong> SecondSigns(int words) => Take(ref secondSigns, words);

    public Span<ulong> SecondMembers(int words) => Take(ref secondMembers, words);

    public Span<float> Betas(int count) => Take(ref betas, count);

    private static Span<T> Take<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) buffer = new T[count];
        return buffer.AsSpan(0, count);
    }
}
