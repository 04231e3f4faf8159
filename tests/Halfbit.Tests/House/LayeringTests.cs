using System.Text.RegularExpressions;

namespace Halfbit.Tests.House;

/// <summary>A room uses only rooms below it; this is the list that CONTRIBUTING shows in words.</summary>
public sealed class LayeringTests
{
    /// <summary>What each room may use, besides itself.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Numerics"] = [],
        ["Checkpoints"] = ["Numerics"],
        ["Tokenization"] = ["Numerics"],
        ["Representation"] = ["Numerics"],
        ["Packing"] = ["Numerics", "Checkpoints", "Representation"],
        ["Kernels"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing"],
        ["Models"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels"],
        ["Statistics"] = ["Numerics", "Kernels"],
        ["Calibration"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels", "Models", "Statistics"],
        ["Quantization"] = ["Numerics", "Representation", "Statistics"],
        ["Generation"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels", "Models"],
        ["Evaluation"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels", "Models", "Statistics", "Calibration", "Quantization", "Generation"],
        ["Pipeline"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels", "Models", "Statistics", "Calibration", "Quantization", "Generation"],
        ["Reports"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels", "Models", "Statistics", "Calibration", "Quantization", "Generation", "Evaluation", "Pipeline"],
        ["Training"] = ["Numerics", "Checkpoints", "Tokenization", "Representation", "Packing", "Kernels", "Models", "Statistics", "Calibration", "Quantization", "Generation", "Evaluation", "Pipeline", "Reports"],
    };

    [Fact]
    public void Every_room_uses_only_rooms_below_it()
    {
        var wrong = new List<string>();
        int uses = 0;
        foreach (SourceFile file in SourceFile.Of("Halfbit"))
        {
            string room = RoomOf(file);
            foreach ((string used, int index) in Uses(file.Code))
            {
                uses++;
                if (used != room && !Allowed[room].Contains(used)) wrong.Add($"{file.At(index)}: {room} uses {used}");
            }
        }

        Assert.Empty(wrong);
        Assert.True(uses > 100, $"only {uses} uses were found: the search is broken");
    }

    [Fact]
    public void Every_file_lies_in_the_room_of_its_namespace()
    {
        foreach (SourceFile file in SourceFile.Of("Halfbit"))
        {
            Match declared = Regex.Match(file.Code, @"^namespace ([\w.]+);$", RegexOptions.Multiline);
            Assert.True(declared.Success, $"{file.Path} has no file-scoped namespace");
            string folder = Path.GetDirectoryName(file.Path)!.Replace('\\', '/').Replace('/', '.');
            Assert.True(folder == declared.Groups[1].Value || (folder.StartsWith(declared.Groups[1].Value + ".", StringComparison.Ordinal) && declared.Groups[1].Value.Contains('.', StringComparison.Ordinal)),
                $"{file.Path} declares namespace {declared.Groups[1].Value}");
            Assert.True(Allowed.ContainsKey(RoomOf(file)), $"{file.Path}: room {RoomOf(file)} has no place in the order; add it here");
        }
    }

    [Fact]
    public void The_library_does_not_know_the_command_line()
    {
        foreach (SourceFile file in SourceFile.Of("Halfbit"))
        {
            Assert.DoesNotContain("Halfbit.Cli", file.Code, StringComparison.Ordinal);
            Assert.DoesNotContain("System.CommandLine", file.Code, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(typeof(Halfbit.Numerics.Matrix).Assembly.GetReferencedAssemblies(), a => a.Name is "Halfbit.Cli" or "System.CommandLine");
    }

    [Theory]
    [InlineData("using Halfbit.Models;", "Models")]
    [InlineData("using Decoder = Halfbit.Models.Decoder;", "Models")]
    [InlineData("var p = new Packing.PackedMatrix(b);", "Packing")]
    [InlineData("global::Halfbit.Checkpoints.Checkpoint c;", "Checkpoints")]
    [InlineData("using System.Numerics.Tensors;", null)]
    [InlineData("options.Calibration.Count()", null)]
    [InlineData("QuantizationStage.Layer", null)]
    public void The_search_finds_uses_however_they_are_written(string code, string? room)
        => Assert.Equal(room is null ? [] : [room], Uses(code).Select(u => u.Room));

    private static string RoomOf(SourceFile file) => file.Path.Split('/')[1];

    /// <summary>Rooms named with their full name, or by the last part alone as C# allows inside the namespace.</summary>
    private static IEnumerable<(string Room, int Index)> Uses(string code)
    {
        string rooms = string.Join('|', Allowed.Keys);
        foreach (Match match in Regex.Matches(code, $@"(?:(?<![.\w])|(?<=::))Halfbit\.({rooms})\b|(?<![.\w])({rooms})\.[A-Z]"))
        {
            if (Regex.IsMatch(code[..match.Index].Split('\n')[^1], "^namespace $")) continue;
            yield return (match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value, match.Index);
        }
    }
}
