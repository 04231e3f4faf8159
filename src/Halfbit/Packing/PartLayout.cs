using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>What a part of a packed matrix is.</summary>
internal enum PartType
{
    Zero = 0,
    Sign = 1,
    Grid = 2,
    Plain = 3,
}

/// <summary>What follows the scales of a part.</summary>
internal enum SecondTable
{
    None = 0,

    /// <summary>Means of a sign plane, stored like the scales.</summary>
    Means = 1,

    /// <summary>Zero codes of a grid, as many bits as its codes.</summary>
    PackedZeros = 2,

    /// <summary>Zero codes of a grid, signed 16 bits.</summary>
    WideZeros = 3,
}

/// <summary>The eight bytes that describe one part: type, bits per code, number format and column groups.</summary>
/// <param name="Type">What the part is.</param>
/// <param name="Bits">Bits per code: 1 for signs, 1 to 8 for a grid, else 0.</param>
/// <param name="Second">What follows the scales.</param>
/// <param name="Format">How scales, means and plain values are stored.</param>
/// <param name="GroupSize">Columns per scale; 0 where there are no scales.</param>
internal readonly record struct PartLayout(PartType Type, int Bits, SecondTable Second, ScaleFormat Format, int GroupSize)
{
    public const int ByteCount = 8;

    /// <summary>Largest group size and number of columns.</summary>
    public const int MaximumWidth = 1 << 30;

    /// <summary>Bytes of one scale or value.</summary>
    public int NumberBytes => Format.NumberBytes;

    /// <summary>Scales per row.</summary>
    public int Groups(int columns) => GroupSize == 0 ? 0 : ((columns - 1) / GroupSize) + 1;

    /// <summary>Bytes of the scales.</summary>
    public long FirstTableBytes(int rows, int columns) => (long)rows * Groups(columns) * NumberBytes;

    /// <summary>Bytes of the means or zero codes.</summary>
    public long SecondTableBytes(int rows, int columns)
    {
        long count = (long)rows * Groups(columns);
        return Second switch
        {
            SecondTable.Means => count * NumberBytes,
            SecondTable.PackedZeros => CodePacking.ByteCount(count, Bits),
            SecondTable.WideZeros => count * 2,
            _ => 0,
        };
    }

    public static PartLayout Of(QuantizedMatrix part) => part switch
    {
        ZeroMatrix => default,
        SignMatrix { Format.Kind: ScaleKind.Byte } or GridMatrix { Format.Kind: ScaleKind.Byte } or PlainMatrix { Format.Kind: ScaleKind.Byte }
            => throw new ArgumentException($"a {part.GetType().Name} stores numbers in single or half precision, not in bytes", nameof(part)),
        SignMatrix sign => new PartLayout(PartType.Sign, 1, sign.Mu is null ? SecondTable.None : SecondTable.Means, sign.Format, sign.GroupSize),
        GridMatrix grid => new PartLayout(PartType.Grid, grid.Bits, ZerosOf(grid), grid.Format, grid.GroupSize),
        PlainMatrix plain => new PartLayout(PartType.Plain, 0, SecondTable.None, plain.Format, 0),
        _ => throw new ArgumentException($"a {part.GetType().Name} has no packed form", nameof(part)),
    };

    public void Write(Span<byte> bytes)
    {
        bytes[0] = (byte)Type;
        bytes[1] = (byte)Bits;
        bytes[2] = (byte)((Format.IsHalf ? 1 : 0) | ((int)Second << 1));
        bytes[3] = (byte)(sbyte)Format.Exponent;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], GroupSize);
    }

    /// <exception cref="CheckpointException">The bytes describe no part.</exception>
    public static PartLayout Read(ReadOnlySpan<byte> bytes, string name, string where)
    {
        (int type, int bits, int flags, int exponent) = (bytes[0], bytes[1], bytes[2], (sbyte)bytes[3]);
        int groupSize = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        bool isHalf = (flags & 1) != 0;
        var second = (SecondTable)(flags >> 1);
        bool isValid = (PartType)type switch
        {
            PartType.Zero => bits == 0 && flags == 0 && groupSize == 0 && exponent == 0,
            PartType.Sign => bits == 1 && groupSize > 0 && second is SecondTable.None or SecondTable.Means,
            PartType.Grid => bits is >= 1 and <= 8 && groupSize > 0 && second is SecondTable.None or SecondTable.PackedZeros or SecondTable.WideZeros,
            PartType.Plain => bits == 0 && groupSize == 0 && second == SecondTable.None,
            _ => false,
        };
        if (!isValid || groupSize > MaximumWidth || exponent is < -126 or > 126 || (!isHalf && exponent != 0))
            throw BlobError.Damaged(where, $"the {name} part has type {type}, {bits} bits, flags {flags}, exponent {exponent}, group size {groupSize}, which fit no known part");
        return new PartLayout((PartType)type, bits, second, new ScaleFormat(isHalf ? ScaleKind.Half : ScaleKind.Exact, exponent), groupSize);
    }

    private static SecondTable ZerosOf(GridMatrix grid)
    {
        if (grid.Zero is null) return SecondTable.None;
        foreach (short zero in grid.Zero)
        {
            if (zero < 0 || zero >= 1 << grid.Bits) return SecondTable.WideZeros;
        }

        return SecondTable.PackedZeros;
    }
}
