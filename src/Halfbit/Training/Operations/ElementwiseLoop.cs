using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Loops over all elements of matrices of one shape, in pieces that fit the cache.</summary>
internal static class ElementwiseLoop
{
    /// <summary>Elements of a piece.</summary>
    public const int Piece = 1 << 13;

    /// <summary>Calls a body for pieces [start, end) of all elements, on all threads.</summary>
    public static void For(int elements, Action<int, int> body) => RowParallel.For(elements, Piece, body);
}
