using Halfbit.Evaluation;

namespace Halfbit.Tests.Evaluation.Tasks;

/// <summary>Reading of rows: order, limits, and what is said about bad files.</summary>
public sealed class TaskDataTests : IDisposable
{
    private const string Good = """{"goal":"g","sol1":"x","sol2":"y","label":0}""";

    private readonly TaskFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_old_harness_shuffles_before_it_limits()
    {
        folder.Write("piqa.jsonl", [.. Enumerable.Repeat(Good, 10)]);
        Assert.Equal([0, 1, 2, 3], folder.Items("piqa", 4).Select(i => i.Index));
        Assert.Equal([2, 3, 5, 7, 8], folder.Items("piqa", 5, Harness.Version03).Select(i => i.Index)); // random.Random(42).shuffle(list(range(10)))[:5], sorted
        foreach (int? limit in (int?[])[null, 10, 11])
        {
            Assert.Equal(Enumerable.Range(0, 10), folder.Items("piqa", limit).Select(i => i.Index));
            Assert.Equal(Enumerable.Range(0, 10), folder.Items("piqa", limit, Harness.Version03).Select(i => i.Index));
        }
    }

    [Fact]
    public void Byte_order_marks_CRLF_and_empty_lines_do_no_harm_and_other_separators_stay_in_the_text()
    {
        File.WriteAllText(folder["piqa.jsonl"], "\ufeff" + Good + "\r\n\r\n" + Good.Replace("\"x\"", "\"x\u2028\u0085z\"", StringComparison.Ordinal));
        IReadOnlyList<TaskItem> items = folder.Items("piqa");
        Assert.Equal([0, 1], items.Select(i => i.Index));
        Assert.Equal(" x\u2028\u0085z", items[1].Requests[0].Continuation);
    }

    [Fact]
    public void The_normalised_file_comes_before_the_authors()
    {
        folder.Write("piqa/valid.jsonl", Good, Good);
        folder.Write("piqa.jsonl", Good);
        Assert.Single(folder.Items("piqa"));
        Assert.EndsWith("piqa.jsonl", folder.Library.FileOf(folder.Task("piqa")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_an_error_that_says_where_to_get_it()
    {
        string message = folder.Failure("hellaswag");
        Assert.StartsWith(folder["hellaswag.jsonl"], message, StringComparison.Ordinal);
        Assert.Contains("github.com/rowanz/hellaswag", message, StringComparison.Ordinal);
        Assert.Contains("--tasks-dir", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("\n \n", "the file is empty")]
    [InlineData("{\"goal\":\n", "line 1: not valid JSON")]
    [InlineData("[1]", "line 1: expected a JSON object")]
    [InlineData("null", "line 1: expected a JSON object")]
    [InlineData("{\"goal\":\"g\",\"goal\":\"h\"}", "line 1: not valid JSON")]
    [InlineData(Good + "\n{\"goal\":\"g\",\"sol1\":\"x\",\"label\":0}", "line 2: field 'sol2' is missing; the row has goal, sol1, label")]
    [InlineData("{\"goal\":\"g\",\"sol1\":null,\"sol2\":\"y\",\"label\":0}", "line 1: field 'sol1' is missing")]
    [InlineData("{\"goal\":\"g\",\"sol1\":[\"x\"],\"sol2\":\"y\",\"label\":0}", "line 1: field 'sol1' is a JSON Array, expected text")]
    [InlineData("{\"goal\":\"g\",\"sol1\":\"\\ud800\",\"sol2\":\"y\",\"label\":0}", "line 1: field 'sol1' is no valid Unicode text")]
    [InlineData("{\"goal\":\"g\",\"sol1\":\"x\",\"sol2\":\"y\",\"label\":2}", "line 1: the right answer is '2' ({label}), expected the index of a choice, 0 to 1")]
    [InlineData("{\"goal\":\"g\",\"sol1\":\"x\",\"sol2\":\"y\",\"label\":-1}", "line 1: the right answer is '-1'")]
    [InlineData("{\"goal\":\"g\",\"sol1\":\"x\",\"sol2\":\"y\",\"label\":0.0}", "line 1: the right answer is '0.0'")]
    [InlineData("{\"goal\":\"g\",\"sol1\":\"x\",\"sol2\":\"y\",\"label\":\"\"}", "line 1: the right answer is ''")]
    public void A_bad_file_is_an_error_that_names_file_line_and_field(string text, string expected)
    {
        File.WriteAllText(folder["piqa.jsonl"], text);
        string message = folder.Failure("piqa");
        Assert.StartsWith(folder["piqa.jsonl"], message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"question":"q","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"C"}""", "the right answer is 'C' ({answerKey}), expected one of the choices: A, B")]
    [InlineData("""{"question":"q","choices":{"text":["a"],"label":["A","B"]},"answerKey":"B"}""", "the right answer is 'B'")]
    [InlineData("""{"question":"q","choices":{"text":[],"label":[]},"answerKey":"A"}""", "there are no choices")]
    [InlineData("""{"question":"q","choices":{"text":"a","label":["A"]},"answerKey":"A"}""", "field 'choices.text' is a JSON String, expected a list of texts")]
    [InlineData("""{"question":"q","choices":{"text":["a",{}],"label":["A","B"]},"answerKey":"A"}""", "field 'choices.text[1]' is no text")]
    [InlineData("""{"question":{"stem":"q","choices":[{"text":"a"}]},"answerKey":"A"}""", "question.choices[0]: field 'label' is missing")]
    [InlineData("""{"question":{"stem":"q","choices":["a"]},"answerKey":"A"}""", "field 'question.choices[0]' is no object")]
    [InlineData("""{"question":{"stem":"q"},"answerKey":"A"}""", "field 'question.choices' is missing")]
    public void Bad_lists_are_named(string line, string expected)
    {
        folder.Write("arc_easy.jsonl", line);
        Assert.Contains(expected, folder.Failure("arc_easy"), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_named()
    {
        File.WriteAllBytes(folder["piqa.jsonl"], [.. "{\"goal\":\""u8, 0xff]);
        Assert.Contains("not valid UTF-8 at byte 9", folder.Failure("piqa"), StringComparison.Ordinal);
    }
}
