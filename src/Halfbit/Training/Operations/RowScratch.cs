namespace Halfbit.Training;

/// <summary>Room for one row, kept by each thread.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal static class RowScratch<T>
    where T : unmanaged
{
    [ThreadStatic]
    private static T[]? room;

    /// <summary>Arbitrary content; valid until the next call of this thread.</summary>
    /// <param name="count">Elements.</param>
    public static Span<T> Take(int count)
    {
        if (room is null || room.Length < count) room = new T[count];
        return room.AsSpan(0, count);
    }
}
