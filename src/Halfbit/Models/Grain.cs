namespace Halfbit.Models;

/// <summary>How many rows of an elementwise loop make a piece that is worth a thread.</summary>
internal static class Grain
{
    private const int Elements = 1 << 15;

    /// <summary>Rows of <paramref name="columns"/> elements per piece, at least 1.</summary>
    public static int Of(int columns) => Math.Max(1, Elements / Math.Max(columns, 1));
}
