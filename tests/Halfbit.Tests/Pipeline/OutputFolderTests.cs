using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>What a job may write over, and what never.</summary>
public sealed class OutputFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public OutputFolderTests()
    {
        model = ToyCheckpoint.Llama().Write(folder["model"]);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_existing_output_is_refused_untouched_and_replaced_on_request()
    {
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor"));
        SortedDictionary<string, byte[]> before = FolderBytes.Of(folder["out"]);
        foreach (bool resume in (bool[])[false, true])
        {
            var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"], "sign") with { Resume = resume }));
            Assert.Contains("exists already", exception.Message, StringComparison.Ordinal);
            Assert.Equal(before, FolderBytes.Of(folder["out"]));
            Assert.False(Directory.Exists(folder["out.partial"]));
        }

        _ = QuantizationJob.Run(ToyJob.Options(model, folder["expected"], "sign"));
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"] + Path.DirectorySeparatorChar, "sign") with { Overwrite = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
        Assert.Equal(["expected", "model", "out"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_old_output_stays_until_the_new_one_is_complete()
    {
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor"));
        SortedDictionary<string, byte[]> before = FolderBytes.Of(folder["out"]);
        Assert.True(ToyJob.RunUntil(ToyJob.Options(model, folder["out"]) with { Overwrite = true }, 20));
        Assert.Equal(before, FolderBytes.Of(folder["out"]));
    }

    [Fact]
    public void A_partial_job_is_neither_mixed_with_another_nor_lost_silently()
    {
        Assert.True(ToyJob.RunUntil(ToyJob.Options(model, folder["out"]), 20));
        var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor")));
        Assert.Contains("--resume", exception.Message, StringComparison.Ordinal);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor") with { Overwrite = true });
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["expected"], "xnor"));
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void A_second_job_in_the_same_folder_is_refused_while_the_first_runs()
    {
        QuantizationJobOptions options = ToyJob.Options(model, folder["out"]);
        int tried = 0;
        _ = QuantizationJob.Run(options, step =>
        {
            if (step.Stage != QuantizationStage.Block || tried++ > 0) return;
            foreach (QuantizationJobOptions second in (QuantizationJobOptions[])[options with { Resume = true }, options with { Overwrite = true }])
            {
                var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(second));
                Assert.Contains("another job", exception.Message, StringComparison.Ordinal);
            }
        });
        Assert.True(tried > 0);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["expected"]));
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void The_model_is_never_written_over()
    {
        SortedDictionary<string, byte[]> before = FolderBytes.Of(model);
        string renamed = folder["x.partial"];
        CopyOf(model, renamed);
        CopyOf(model, folder["y.replaced"]);
        Directory.CreateSymbolicLink(folder["link"], model);
        (string Model, string Output)[] cases =
        [
            (model, model),
            (model, model + Path.DirectorySeparatorChar),
            (model, Path.Combine(model, "..", "model")),
            (model, folder.Path),
            (model, Path.GetDirectoryName(folder.Path)!),
            (model, folder["link"]),
            (folder["link"], model),
            (Path.Combine(folder["link"], "..", "link"), model),
            (renamed, folder["x"]),
            (folder["y.replaced"], folder["y"]),
        ];
        foreach ((string source, string output) in cases)
        {
            foreach (bool resume in (bool[])[false, true])
            {
                var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(source, output, "xnor") with { Overwrite = true, Resume = resume }));
                Assert.Contains("the model", exception.Message, StringComparison.Ordinal);
                Assert.Equal(before, FolderBytes.Of(model));
                Assert.Equal(before.Keys, FolderBytes.Of(renamed).Keys);
                Assert.Equal(before.Keys, FolderBytes.Of(folder["y.replaced"]).Keys);
            }
        }
    }

    [Fact]
    public void An_output_inside_the_models_folder_leaves_the_model_alone()
    {
        SortedDictionary<string, byte[]> before = FolderBytes.Of(model);
        foreach (bool overwrite in (bool[])[false, true])
            _ = QuantizationJob.Run(ToyJob.Options(model, Path.Combine(model, "small"), "xnor") with { Overwrite = overwrite });
        SortedDictionary<string, byte[]> after = FolderBytes.Of(model);
        foreach ((string name, byte[] bytes) in before) Assert.Equal(bytes, after[name]);
        using ModelFolder packed = ModelFolder.Open(Path.Combine(model, "small"));
        Assert.True(packed.Packed is not null);
    }

    [Theory, InlineData("out"), InlineData("out.partial"), InlineData("out.replaced")]
    public void Overwriting_and_resuming_never_remove_a_folder_that_is_not_ours(string name)
    {
        Directory.CreateDirectory(folder[name, "letters"]);
        File.WriteAllText(folder[name, "letters", "dear.txt"], "do not lose me");
        foreach ((bool overwrite, bool resume) in ((bool, bool)[])[(true, false), (true, true), (false, true), (false, false)])
        {
            try
            {
                _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor") with { Overwrite = overwrite, Resume = resume });
            }
            catch (PipelineException)
            {
                // Refused: all that counts is that nothing was lost.
            }

            Assert.Equal("do not lose me", File.ReadAllText(folder[name, "letters", "dear.txt"]));
        }
    }

    [Fact]
    public void An_empty_folder_may_be_replaced()
    {
        Directory.CreateDirectory(folder["out"]);
        Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor")));
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor") with { Overwrite = true });
        Assert.True(File.Exists(folder["out", "halfbit.json"]));
    }

    [Theory, InlineData("out"), InlineData("out.partial")]
    public void A_file_in_the_place_of_the_output_is_refused(string name)
    {
        File.WriteAllText(folder[name], "mine");
        foreach (bool overwrite in (bool[])[false, true])
        {
            var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"], "xnor") with { Overwrite = overwrite }));
            Assert.Contains(folder[name], exception.Message, StringComparison.Ordinal);
            Assert.Equal("mine", File.ReadAllText(folder[name]));
        }
    }

    [Fact]
    public void A_missing_parent_is_made_and_an_impossible_one_refused()
    {
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["a", "b", "out"], "xnor"));
        Assert.True(File.Exists(folder["a", "b", "out", "halfbit.json"]));
        File.WriteAllText(folder["file"], "");
        var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["file", "out"], "xnor")));
        Assert.Contains("cannot be made", exception.Message, StringComparison.Ordinal);
        Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, "", "xnor")));
    }

    [Fact]
    public void A_job_that_fails_at_its_start_leaves_nothing_behind()
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Values("model.layers.1.mlp.up_proj.weight")[5] = float.NaN;
        Assert.ThrowsAny<Exception>(() => QuantizationJob.Run(ToyJob.Options(toy.Write(folder["nan"]), folder["out"])));
        File.WriteAllText(folder["short"], "x");
        Assert.ThrowsAny<Exception>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"]) with { CalibrationFile = folder["short"] }));
        Assert.Equal(["model", "nan", "short"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static void CopyOf(string source, string destination)
    {
        Directory.CreateDirectory(destination);
        foreach (string file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(destination, Path.GetFileName(file)));
    }
}
