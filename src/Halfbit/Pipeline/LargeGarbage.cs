namespace Halfbit.Pipeline;

/// <summary>
/// Gives the memory of large matrices back as soon as they are done with. Left to itself the runtime collects large arrays late on a machine
/// with much memory, and a job's peak would be several layers instead of one.
/// </summary>
internal static class LargeGarbage
{
    /// <summary>Elements below which a matrix is left to the runtime.</summary>
    private const long Threshold = 1 << 22;

    /// <summary>Collects when matrices of this many elements have just become garbage.</summary>
    public static void Collect(long elements)
    {
        if (elements >= Threshold) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
