using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Evaluation.Scoring;

public sealed class AnswerLogTests : IDisposable
{
    private static readonly ItemAnswer First = new(0, 1, [-1.25, -1e-300], [false, true], [3, 4], [7, 7], [0, 2]);
    private static readonly ItemAnswer Second = new(5, 0, [-0.1], [true], [1], [2], [0]);

    private readonly TemporaryFolder folder = new();

    private string File => folder["a.items.jsonl"];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_answered_is_found_again()
    {
        using (AnswerLog log = Open())
        {
            Assert.Null(log.TryFind("piqa", 0));
            log.Append("piqa", [First, Second]);
            log.Append("rte", [Second]);
        }

        byte[] written = System.IO.File.ReadAllBytes(File);
        using (AnswerLog log = Open(resumes: true))
        {
            Assert.Equal(3, log.KnownCount);
            AssertEqual(First, log.TryFind("piqa", 0));
            AssertEqual(Second, log.TryFind("piqa", 5));
            AssertEqual(Second, log.TryFind("rte", 5));
            Assert.Null(log.TryFind("rte", 0));
            Assert.Null(log.TryFind("boolq", 5));
        }

        Assert.Equal(written, System.IO.File.ReadAllBytes(File));
        using (AnswerLog log = Open(overwrites: true)) Assert.Equal(0, log.KnownCount);
        Assert.Single(System.IO.File.ReadAllLines(File));
    }

    /// <summary>A kill may cut the file anywhere.</summary>
    [Fact]
    public void Cut_anywhere_it_goes_on_to_the_same_bytes()
    {
        using (AnswerLog log = Open()) log.Append("piqa", [First, Second]);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length <= whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            using (AnswerLog log = Open(resumes: true))
            {
                Assert.Equal(Math.Max(0, whole[..length].Count(b => b == '\n') - 1), log.KnownCount);
                log.Append("piqa", ((ItemAnswer[])[First, Second]).Where(a => log.TryFind("piqa", a.Index) is null));
            }

            Assert.Equal(whole, System.IO.File.ReadAllBytes(File));
        }
    }

    [Fact]
    public void An_earlier_run_is_neither_lost_nor_mixed_with_another()
    {
        using (AnswerLog log = Open()) log.Append("piqa", [First]);
        byte[] written = System.IO.File.ReadAllBytes(File);
        Assert.Contains("--resume", Assert.Throws<TaskException>(() => Open()).Message, StringComparison.Ordinal);
        foreach ((JsonObject other, string expected) in new[]
        {
            (new JsonObject { ["model"] = "b", ["limit"] = null }, "the earlier run had model \"a\", this one has \"b\""),
            (new JsonObject { ["model"] = "a", ["limit"] = 4 }, "the earlier run had limit none, this one has 4"),
            (new JsonObject { ["model"] = "a", ["limit"] = null, ["bos"] = "on" }, "the earlier run had bos none, this one has \"on\""),
        })
        {
            string message = Assert.Throws<TaskException>(() => AnswerLog.Open(File, other, resumes: true, overwrites: false)).Message;
            Assert.StartsWith(File, message, StringComparison.Ordinal);
            Assert.Contains(expected, message, StringComparison.Ordinal);
            Assert.Contains("--overwrite", message, StringComparison.Ordinal);
        }

        Assert.Equal(written, System.IO.File.ReadAllBytes(File));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("piqa")]
    [InlineData("""{"task":"piqa"}""")]
    [InlineData("""{"task":null,"answer":null}""")]
    [InlineData("""{"task":"piqa","answer":{}}""")]
    [InlineData("""{"task":"piqa","answer":{"index":0,"gold":0,"logLikelihoods":null,"isGreedy":[],"lengths":[],"contextTokens":[],"truncated":[]}}""")]
    [InlineData("""{"task":"piqa","answer":{"index":0,"gold":0,"logLikelihoods":[-1],"isGreedy":[],"lengths":[1],"contextTokens":[1],"truncated":[0]}}""")]
    [InlineData("""{"task":"piqa","answer":{"index":0,"gold":1,"logLikelihoods":[-1],"isGreedy":[true],"lengths":[1],"contextTokens":[1],"truncated":[0]}}""")]
    [InlineData("""{"task":"piqa","answer":{"index":-1,"gold":0,"logLikelihoods":[-1],"isGreedy":[true],"lengths":[1],"contextTokens":[1],"truncated":[0]}}""")]
    public void A_damaged_line_is_named(string line)
    {
        using (AnswerLog log = Open()) log.Append("piqa", [Second]);
        System.IO.File.AppendAllText(File, line + "\n");
        byte[] written = System.IO.File.ReadAllBytes(File);
        string message = Assert.Throws<TaskException>(() => Open(resumes: true)).Message;
        Assert.StartsWith(File + ": line 3 is no answer of an earlier run", message, StringComparison.Ordinal);
        Assert.Equal(written, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void A_first_line_that_is_no_identity_is_damage()
    {
        System.IO.File.WriteAllText(File, "[1]\n");
        Assert.Contains("line 1 is no answer", Assert.Throws<TaskException>(() => Open(resumes: true)).Message, StringComparison.Ordinal);
    }

    private AnswerLog Open(bool resumes = false, bool overwrites = false) => AnswerLog.Open(File, new JsonObject { ["model"] = "a", ["limit"] = null }, resumes, overwrites);

    private static void AssertEqual(ItemAnswer expected, ItemAnswer? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal((expected.Index, expected.Gold), (actual.Index, actual.Gold));
        Assert.Equal(expected.LogLikelihoods, actual.LogLikelihoods);
        Assert.Equal(expected.IsGreedy, actual.IsGreedy);
        Assert.Equal(expected.Lengths, actual.Lengths);
        Assert.Equal(expected.ContextTokens, actual.ContextTokens);
        Assert.Equal(expected.Truncated, actual.Truncated);
    }
}
