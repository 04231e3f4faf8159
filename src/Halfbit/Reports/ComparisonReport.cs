namespace Halfbit.Reports;

/// <summary>stub</summary>
public static class ComparisonReport
{
    /// <summary>stub</summary>
    public static void Write(string path, ComparisonResult result) => throw new NotSupportedException(path + result);
}
