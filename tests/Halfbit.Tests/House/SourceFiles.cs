using System.Text.RegularExpressions;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.House;

/// <summary>One C# file of the product, its comments taken out.</summary>
/// <param name="Path">Relative to src, with slashes.</param>
/// <param name="Code">The text without comments; line breaks kept.</param>
/// <param name="Lines">Number of lines.</param>
internal sealed partial record SourceFile(string Path, string Code, int Lines)
{
    /// <summary>All files of a project, e.g. Halfbit or Halfbit.Cli.</summary>
    public static IReadOnlyList<SourceFile> Of(string project)
    {
        string source = System.IO.Path.Combine(TestData.Root, "src");
        return [.. Directory.EnumerateFiles(System.IO.Path.Combine(source, project), "*.cs", SearchOption.AllDirectories)
            .Select(path => (Full: path, Relative: System.IO.Path.GetRelativePath(source, path).Replace('\\', '/')))
            .Where(f => !f.Relative.Split('/').Any(part => part is "obj" or "bin"))
            .OrderBy(f => f.Relative, StringComparer.Ordinal)
            .Select(f => new SourceFile(f.Relative, Comments().Replace(File.ReadAllText(f.Full), ""), File.ReadAllLines(f.Full).Length))];
    }

    /// <summary>The 1-based line of a place in the code.</summary>
    public string At(int index) => $"{Path}({Code.AsSpan(0, index).Count('\n') + 1})";

    /// <summary>Line comments, where the two slashes do not follow a colon or a quote (as in a URL or a text).</summary>
    [GeneratedRegex("""(?<![:"])//.*$""", RegexOptions.Multiline)]
    private static partial Regex Comments();
}
