using System.CommandLine;
using System.Text.RegularExpressions;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.House;

/// <summary>What the documentation tells people to type must exist.</summary>
public sealed partial class ReadmeTests
{
    public static TheoryData<string, string> Commands()
    {
        var data = new TheoryData<string, string>();
        foreach (string file in Documents())
        {
            foreach (Match match in CommandLine().Matches(File.ReadAllText(file)))
                data.Add(Path.GetRelativePath(TestData.Root, file), match.Groups[1].Value);
        }

        return data;
    }

    [Theory, MemberData(nameof(Commands))]
    public void Every_command_in_the_documentation_is_understood(string file, string arguments)
    {
        ParseResult parsed = Halfbit.Cli.Commands.CreateRoot().Parse(arguments);
        Assert.True(parsed.Errors.Count == 0, $"{file}: halfbit {arguments}: {string.Join("; ", parsed.Errors.Select(e => e.Message))}");
    }

    [Fact]
    public void Every_relative_link_in_the_documentation_leads_somewhere()
    {
        foreach (string file in Documents())
        {
            foreach (Match match in Link().Matches(File.ReadAllText(file)))
            {
                string target = Path.Combine(Path.GetDirectoryName(file)!, match.Groups[1].Value);
                Assert.True(File.Exists(target) || Directory.Exists(target), $"{file} links to {match.Groups[1].Value}, which does not exist");
            }
        }
    }

    [Fact]
    public void The_example_in_the_tour_is_the_one_that_is_tested()
    {
        string[] source = File.ReadAllLines(Path.Combine(TestData.Root, "tests", "Halfbit.Tests", "House", "TourExample.cs"));
        IEnumerable<string> tested = source.SkipWhile(l => !l.Contains("// <example>", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(l => !l.Contains("// </example>", StringComparison.Ordinal)).Select(l => l.Length > 8 ? l[8..] : string.Empty);
        string tour = File.ReadAllText(Path.Combine(TestData.Root, "src", "Halfbit", "README.md")).ReplaceLineEndings("\n");
        Assert.Contains(string.Join("\n", tested), tour, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Documents()
        => Directory.EnumerateFiles(TestData.Root, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(TestData.Root, "docs"), "*.md", SearchOption.AllDirectories))
            .Append(Path.Combine(TestData.Root, "src", "Halfbit", "README.md"));

    [GeneratedRegex(@"(?:^|`)\./halfbit ([^`\r\n]+)", RegexOptions.Multiline)]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"\]\(((?!https?:|#)[^)#]+)\)")]
    private static partial Regex Link();
}
