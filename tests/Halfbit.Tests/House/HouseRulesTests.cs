using System.Text.RegularExpressions;

namespace Halfbit.Tests.House;

public sealed class HouseRulesTests
{
    /// <summary>Files outside Numerics and Kernels that may reinterpret memory, each with its reason.</summary>
    private static readonly Dictionary<string, string> MayReinterpretMemory = new(StringComparer.Ordinal)
    {
        ["Halfbit/Checkpoints/MappedFile.cs"] = "the mapped-file class: spans over mapped pages",
        ["Halfbit/Checkpoints/MappedTensor.cs"] = "the mapped-file class: elements of a tensor in place",
        ["Halfbit/Calibration/HiddenStates.cs"] = "AsBytes: floats to and from a scratch file without a copy",
        ["Halfbit/Pipeline/Calibrator.cs"] = "AsBytes, Cast: token ids to and from a file of the job",
        ["Halfbit.Cli/LayerCommand.cs"] = "AsBytes: rows of Q to the safetensors writer",
    };

    [Fact]
    public void Memory_is_reinterpreted_only_where_the_house_allows_it()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var wrong = new List<string>();
        foreach (SourceFile file in Product())
        {
            Match match = Regex.Match(file.Code, @"\bunsafe\b|\bUnsafe\.|\bMemoryMarshal\.|\bfixed \(");
            if (!match.Success || file.Path.StartsWith("Halfbit/Numerics/", StringComparison.Ordinal) || file.Path.StartsWith("Halfbit/Kernels/", StringComparison.Ordinal)) continue;
            if (MayReinterpretMemory.ContainsKey(file.Path)) seen.Add(file.Path);
            else wrong.Add($"{file.At(match.Index)}: {match.Value}");
        }

        Assert.Empty(wrong);
        Assert.Empty(MayReinterpretMemory.Keys.Except(seen)); // a permission that nobody needs any more
    }

    [Fact]
    public void Only_the_command_line_writes_to_the_console() => AssertNowhere(SourceFile.Of("Halfbit"), @"\bConsole\b");

    [Fact]
    public void Only_Numerics_starts_threads()
        => AssertNowhere(
            SourceFile.Of("Halfbit").Where(f => !f.Path.StartsWith("Halfbit/Numerics/", StringComparison.Ordinal)),
            @"(?<![.\w])(Thread|Task|Parallel|ThreadPool)\b(?!Scratch|Count)|\basync\b|\.AsParallel\(");

    [Fact]
    public void Nothing_depends_on_the_clock_or_on_a_global_seed()
        => AssertNowhere(SourceFile.Of("Halfbit"), @"\bDateTime\.(Now|UtcNow|Today)\b|\bRandom\.Shared\b|\bnew Random\(\)|\bGuid\.NewGuid\b");

    [Fact]
    public void Nothing_is_left_for_later() => AssertNowhere(Product(), @"\b(TODO|FIXME|HACK|XXX)\b|\bNotImplementedException\b");

    [Fact]
    public void Files_are_short()
    {
        foreach (SourceFile file in Product()) Assert.True(file.Lines <= 500, $"{file.Path} has {file.Lines} lines, at most 500 are allowed; split it by concepts");
    }

    private static IEnumerable<SourceFile> Product() => SourceFile.Of("Halfbit").Concat(SourceFile.Of("Halfbit.Cli"));

    private static void AssertNowhere(IEnumerable<SourceFile> files, string pattern)
    {
        int count = 0;
        foreach (SourceFile file in files)
        {
            count++;
            Match match = Regex.Match(file.Code, pattern);
            Assert.False(match.Success, $"{file.At(match.Index)}: {match.Value}");
        }

        Assert.True(count > 10);
    }
}
