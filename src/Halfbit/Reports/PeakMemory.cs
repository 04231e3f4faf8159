namespace Halfbit.Reports;

/// <summary>The process's largest resident memory, begun anew for each method where the system allows it.</summary>
internal static class PeakMemory
{
    private const string Reset = "/proc/self/clear_refs";

    /// <summary>Why the peak cannot be had per method, or null.</summary>
    public static string? WhyNot { get; } = OperatingSystem.IsLinux()
        ? TryReset() ? null : $"{Reset} cannot be written, so the system's peak is that of the whole run"
        : "only Linux lets a process begin its peak memory anew";

    /// <summary>Gives garbage back and begins the peak anew (Linux: writing 5 resets VmHWM, see proc(5)).</summary>
    public static bool TryReset()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        try
        {
            File.WriteAllText(Reset, "5");
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
