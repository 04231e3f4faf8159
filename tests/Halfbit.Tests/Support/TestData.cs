namespace Halfbit.Tests.Support;

/// <summary>Where reference data lie: the full set in the shared folder, a small subset inside the project.</summary>
internal static class TestData
{
    /// <summary>The project's root: the folder that holds Halfbit.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The subset that travels with the project.</summary>
    public static string Bundled => Path.Combine(Root, "tests", "data");

    /// <summary>The bundled sample model.</summary>
    public static string Sample => Path.Combine(Root, "samples", "llama-13m");

    /// <summary>The full reference data: the folder named by HALFBIT_TESTDATA, else ../shared beside the project; null when absent.</summary>
    public static string? Shared { get; } = FindShared();

    /// <summary>A path inside the shared folder; only for tests marked [SharedFact] or [SharedTheory].</summary>
    public static string SharedPath(params string[] parts)
        => Path.Combine([Shared ?? throw new InvalidOperationException("shared data are absent; mark the test [SharedFact]"), .. parts]);

    /// <summary>A path in the shared folder when present, else the same path in the bundled subset.</summary>
    public static string AnyPath(params string[] parts)
        => Path.Combine([Shared ?? Bundled, .. parts]);

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Halfbit.slnx"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException("Halfbit.slnx was not found above " + AppContext.BaseDirectory);
    }

    private static string? FindShared()
    {
        string? named = Environment.GetEnvironmentVariable("HALFBIT_TESTDATA");
        string folder = string.IsNullOrEmpty(named) ? Path.Combine(Root, "..", "shared") : named;
        return Directory.Exists(Path.Combine(folder, "reference")) ? Path.GetFullPath(folder) : null;
    }
}

/// <summary>A test that needs the full reference data; skipped, with the reason, where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute()
    {
        if (TestData.Shared is null) Skip = SharedReason.Text;
    }
}

/// <summary>A parametrised test that needs the full reference data; skipped, with the reason, where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute()
    {
        if (TestData.Shared is null) Skip = SharedReason.Text;
    }
}

internal static class SharedReason
{
    public const string Text = "the full reference data are absent: put them in ../shared or name their folder in HALFBIT_TESTDATA";
}
