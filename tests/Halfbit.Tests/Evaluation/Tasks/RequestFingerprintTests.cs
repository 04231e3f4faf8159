using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Halfbit.Evaluation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Evaluation.Tasks;

public sealed class RequestFingerprintTests
{
    /// <summary>Every request and every right answer of every data set, against an independent implementation.</summary>
    [SharedTheory]
    [InlineData("boolq")]
    [InlineData("piqa")]
    [InlineData("hellaswag")]
    [InlineData("winogrande")]
    [InlineData("arc_easy")]
    [InlineData("arc_challenge")]
    [InlineData("openbookqa")]
    [InlineData("rte")]
    [InlineData("lambada_openai")]
    [InlineData("mmlu_0shot")]
    [InlineData("mmlu_5shot")]
    public void Whole_data_sets_ask_what_the_reference_asks(string name)
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedPath("reference", "zero-shot", "request-fingerprints.json")));
        JsonElement expected = reference.RootElement.GetProperty("tasks").GetProperty(name);
        var library = new TaskLibrary(TestData.SharedPath("tasks"));
        IEnumerable<TaskDefinition> tasks = TaskCatalog.Select([name], library.Folder, 0, Harness.Current).SelectMany(s => s.Tasks);
        List<TaskItem> items = [.. tasks.SelectMany(task => TaskItems.Load(task, library, null, Harness.Current))];
        Assert.Equal(
            new RequestFingerprint(
                expected.GetProperty("docs").GetInt32(), expected.GetProperty("requests").GetInt32(), expected.GetProperty("requests_sha256").GetString()!, expected.GetProperty("gold_sha256").GetString()!),
            RequestFingerprint.Of(items));
        if (expected.TryGetProperty("first_context", out JsonElement context)) Assert.Equal(context.GetString(), items[0].Requests[0].Context);
    }

    [Fact]
    public void Hashes_are_over_contexts_continuations_and_answers_in_order()
    {
        TaskItem[] items = [new(0, [new("é", " a"), new("b", " c")], [1, 1], 1), new(1, [new(string.Empty, " d")], [1], 0)];
        string requests = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("é\u001f a\u001eb\u001f c\u001e\u001f d\u001e")));
        string golds = Convert.ToHexStringLower(SHA256.HashData("1\n0\n"u8));
        Assert.Equal(new RequestFingerprint(2, 3, requests, golds), RequestFingerprint.Of(items));
    }
}
