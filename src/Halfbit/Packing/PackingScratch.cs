namespace Halfbit.Packing;

/// <summary>Buffers of one thread for expanding packed rows; they grow to the largest matrix and are then reused.</summary>
internal sealed class PackingScratch
{
    [ThreadStatic]
    private static PackingScratch? current;

    private byte[] codes = [];
    private byte[] salientCodes = [];
    private byte[] columnClasses = [];
    private ushort[] columnMasks = [];
    private ulong[] masks = [];
    private int[] ranks = [];

    /// <summary>The calling thread's buffers.</summary>
    public static PackingScratch Current => current ??= new PackingScratch();

    /// <summary>The block whose mask is in <see cref="Masks"/>: (identity of the matrix, block, rows decoded).</summary>
    public (long Matrix, int Block, int Rows) Cached { get; set; }

    /// <summary>[16, …] frequencies of a group.</summary>
    public uint[] Frequencies { get; } = new uint[(1 << MaskModelParameters.MaximumBits) * MaskDecoder.MaximumLanes];

    /// <summary>States of a decoder.</summary>
    public uint[] States { get; } = new uint[MaskDecoder.MaximumLanes];

    public Span<byte> Codes(int columns) => Take(ref codes, columns);

    public Span<byte> SalientCodes(int columns) => Take(ref salientCodes, columns);

    public Span<byte> ColumnClasses(int columns) => Take(ref columnClasses, columns);

    public Span<ushort> ColumnMasks(int columns) => Take(ref columnMasks, columns);

    /// <summary>Mask words of a block; their content survives as long as nobody asks for more.</summary>
    public Span<ulong> Masks(int words) => Take(ref masks, words);

    /// <summary>Salient weights of the matrix before each row of the block.</summary>
    public Span<int> Ranks(int rows) => Take(ref ranks, rows);

    private static Span<T> Take<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) buffer = new T[count];
        return buffer.AsSpan(0, count);
    }
}
