namespace Halfbit.Pipeline;

/// <summary>Where a job may write: never over the model it reads, and never over a folder that is not its own kind.</summary>
internal static class JobPlace
{
    /// <summary>What is appended to the output's name while a job is under way.</summary>
    public const string PartialSuffix = ".partial";

    /// <summary>What is appended to the name of a folder that is about to be replaced.</summary>
    public const string ReplacedSuffix = ".replaced";

    /// <summary>The lock of a partial job; it stays there as long as the folder is partial, so it also tells that the folder is a job's.</summary>
    public const string LockName = ".lock";

    /// <summary>The output folder as a full path without a separator at its end.</summary>
    /// <exception cref="PipelineException">It cannot be an output: empty, a file, the model's own folder, or around it.</exception>
    /// <param name="outputFolder">What the user asked for.</param>
    /// <param name="modelFolder">The model that is read.</param>
    public static string OutputOf(string outputFolder, string modelFolder)
    {
        if (string.IsNullOrWhiteSpace(outputFolder)) throw new PipelineException("--out is empty, expected a folder to write");
        string output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(outputFolder));
        foreach (string folder in (string[])[output, output + PartialSuffix, output + ReplacedSuffix])
        {
            if (File.Exists(folder)) throw new PipelineException($"{folder}: is a file; choose another --out");
            if (Contains(folder, modelFolder))
                throw new PipelineException($"{folder}: the model {modelFolder} lies there, and the job would write over it; choose another --out");
        }

        return output;
    }

    /// <summary>Refuses to remove a folder that no job has written.</summary>
    /// <param name="folder">A folder that is to be emptied or replaced.</param>
    /// <param name="sign">Name of a file that every such folder of ours holds.</param>
    /// <exception cref="PipelineException">It holds something, but not the sign.</exception>
    public static void CheckOwn(string folder, string sign)
    {
        if (!Directory.Exists(folder) || File.Exists(Path.Combine(folder, sign)) || !Directory.EnumerateFileSystemEntries(folder).Any()) return;
        throw new PipelineException($"{folder}: was not written by 'halfbit quantize' or 'halfbit convert' (it holds no {sign}) and is not replaced; choose another --out, or remove the folder yourself");
    }

    /// <summary>Whether a path is a folder or lies inside it, links followed.</summary>
    private static bool Contains(string folder, string path)
    {
        string outer = Resolve(folder);
        for (string? inner = Resolve(path); inner is not null; inner = Path.GetDirectoryName(inner))
        {
            if (string.Equals(inner, outer, OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)) return true;
        }

        return false;
    }

    /// <summary>The full path with all links of existing parts followed.</summary>
    private static string Resolve(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string? parent = Path.GetDirectoryName(full);
        if (parent is null) return full;
        string here = Path.Combine(Resolve(parent), Path.GetFileName(full));
        var folder = new DirectoryInfo(here);
        return folder.LinkTarget is not null && folder.ResolveLinkTarget(returnFinalTarget: true) is { } target ? Path.TrimEndingDirectorySeparator(target.FullName) : here;
    }
}
