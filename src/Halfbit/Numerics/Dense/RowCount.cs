namespace Halfbit.Numerics;

/// <summary>The height of a tile as a type, so that one source serves every height without a branch at run time.</summary>
internal interface IRowCount
{
    /// <summary>Rows of the tile.</summary>
    static abstract int Count { get; }

    /// <summary>Elements from one depth to the next in packed A: <see cref="Count"/> rounded up to a power of two.</summary>
    static abstract int PackedStride { get; }
}

internal readonly struct Rows1 : IRowCount
{
    public static int Count => 1;

    public static int PackedStride => 1;
}

internal readonly struct Rows2 : IRowCount
{
    public static int Count => 2;

    public static int PackedStride => 2;
}

internal readonly struct Rows3 : IRowCount
{
    public static int Count => 3;

    public static int PackedStride => 4;
}

internal readonly struct Rows4 : IRowCount
{
    public static int Count => 4;

    public static int PackedStride => 4;
}

internal readonly struct Rows5 : IRowCount
{
    public static int Count => 5;

    public static int PackedStride => 8;
}

internal readonly struct Rows6 : IRowCount
{
    public static int Count => 6;

    public static int PackedStride => 8;
}

internal readonly struct Rows7 : IRowCount
{
    public static int Count => 7;

    public static int PackedStride => 8;
}

internal readonly struct Rows8 : IRowCount
{
    public static int Count => 8;

    public static int PackedStride => 8;
}

internal readonly struct Rows9 : IRowCount
{
    public static int Count => 9;

    public static int PackedStride => 16;
}

internal readonly struct Rows10 : IRowCount
{
    public static int Count => 10;

    public static int PackedStride => 16;
}

internal readonly struct Rows11 : IRowCount
{
    public static int Count => 11;

    public static int PackedStride => 16;
}

internal readonly struct Rows12 : IRowCount
{
    public static int Count => 12;

    public static int PackedStride => 16;
}

internal readonly struct Rows13 : IRowCount
{
    public static int Count => 13;

    public static int PackedStride => 16;
}

internal readonly struct Rows14 : IRowCount
{
    public static int Count => 14;

    public static int PackedStride => 16;
}
