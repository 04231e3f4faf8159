using Halfbit.Evaluation;

namespace Halfbit.Tests.Evaluation.Tasks;

public sealed class UserTaskTests : IDisposable
{
    private readonly TaskFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_field_of_a_definition_is_used()
    {
        string path = folder.Write(
            "sums.json",
            """
            {
              // comments and a last comma are welcome
              "name": "arithmetic", "version": "7", "data": "rows/sums.jsonl", "examples": "rows/shown.jsonl",
              "description": "Sums in {braces}.\n", "context": "{{{q.a}+{q.terms[1]}}}=", "choices": "{answers}", "gold": "{key}", "labels": "{letters}",
              "delimiter": "", "metrics": ["acc_norm"],
            }
            """);
        folder.Write("rows/sums.jsonl", """{"q":{"a":1,"terms":[0,2]},"answers":["2",3.50,true],"key":"c ","letters":["a","b","c"]}""");
        folder.Write("rows/shown.jsonl", """{"q":{"a":5,"terms":[0,6]},"answers":["eleven","twelve"],"key":"a","letters":["a","b"]}""");
        TaskDefinition task = folder.Task(path, shots: 1);
        Assert.Equal(("arithmetic", "7"), (task.Name, task.Version));
        Assert.Equal([TaskMetric.NormalizedAccuracy], task.Metrics);
        TaskItem item = Assert.Single(folder.Items(path, shots: 1));
        Assert.Equal([new("Sums in {braces}.\n{5+6}=eleven\n\n{1+2}=", "2"), new("Sums in {braces}.\n{5+6}=eleven\n\n{1+2}=", "3.50"), new("Sums in {braces}.\n{5+6}=eleven\n\n{1+2}=", "true")], item.Requests);
        Assert.Equal([1, 4, 4], item.Lengths);
        Assert.Equal(2, item.Gold);
    }

    [Fact]
    public void A_short_definition_is_found_by_name_in_the_folder()
    {
        folder.Write("gaps.json", """{"data":"gaps.jsonl","context":["{s} {x}","{s} {y}"],"choices":["{rest}"],"gold":"{right}"}""");
        folder.Write("gaps.jsonl", """{"s":"A","x":"b","y":"cd","rest":"goes.","right":1}""");
        TaskDefinition task = folder.Task("gaps");
        Assert.Equal(("gaps", "1"), (task.Name, task.Version));
        Assert.Equal([TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy], task.Metrics);
        TaskItem item = Assert.Single(folder.Items("gaps"));
        Assert.Equal([new("A b", " goes."), new("A cd", " goes.")], item.Requests);
        Assert.Equal([3, 4], item.Lengths);
        Assert.Equal(1, item.Gold);
        Assert.Contains("measured without examples", Assert.Throws<TaskException>(() => folder.Items("gaps", shots: 1)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "no valid task definition")]
    [InlineData("[]", "no valid task definition")]
    [InlineData("null", "expected a JSON object")]
    [InlineData("""{"data":"d.jsonl","context":"c","choices":["a"],"gold":"0","colour":1}""", "colour")]
    [InlineData("""{"data":3}""", "no valid task definition")]
    [InlineData("""{"context":"c","choices":["a"],"gold":"0"}""", "field 'data' is missing")]
    [InlineData("""{"data":"d.jsonl","choices":["a"],"gold":"0"}""", "field 'context' is missing")]
    [InlineData("""{"data":"d.jsonl","context":[],"choices":["a"],"gold":"0"}""", "field 'context' is []")]
    [InlineData("""{"data":"d.jsonl","context":"c","gold":"0"}""", "field 'choices' is missing")]
    [InlineData("""{"data":"d.jsonl","context":"c","choices":[],"gold":"0"}""", "field 'choices' is []")]
    [InlineData("""{"data":"d.jsonl","context":"c","choices":[1],"gold":"0"}""", "field 'choices' is [1]")]
    [InlineData("""{"data":"d.jsonl","context":"c","choices":["a"]}""", "field 'gold' is missing")]
    [InlineData("""{"data":"d.jsonl","context":"c","choices":["a"],"gold":"0","metrics":[]}""", "field 'metrics' is empty")]
    [InlineData("""{"data":"d.jsonl","context":"c","choices":["a"],"gold":"0","metrics":["f1"]}""", "field 'metrics' holds 'f1', expected acc or acc_norm")]
    [InlineData("""{"data":"d.jsonl","context":"c {q","choices":["a"],"gold":"0"}""", "template 'c {q': the brace at 2 names no field")]
    [InlineData("""{"data":"d.jsonl","context":"c {}","choices":["a"],"gold":"0"}""", "names no field")]
    [InlineData("""{"data":"d.jsonl","context":"c }","choices":["a"],"gold":"0"}""", "the brace at 2 closes nothing")]
    [InlineData("""{"name":"piqa","data":"d.jsonl","context":"c","choices":["a"],"gold":"0"}""", "the name of a task that is built in")]
    public void A_wrong_definition_is_an_error_that_names_its_file_and_field(string definition, string expected)
    {
        string path = folder.Write("own.json", definition);
        string message = folder.Failure("own");
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"q":"a"}""", "{missing}", "line 1: field 'missing' is missing; the row has q")]
    [InlineData("""{"q":{"b":"x"}}""", "{q.c}", "line 1: field 'q.c' is missing")]
    [InlineData("""{"q":["b"]}""", "{q[1]}", "line 1: field 'q[1]' is missing")]
    [InlineData("""{"q":["b"]}""", "{q[-1]}", "line 1: field 'q[-1]' is missing")]
    public void An_undefined_field_names_the_row_and_the_definition(string row, string context, string expected)
    {
        string path = folder.Write("own.json", $$"""{"data":"own.jsonl","context":"{{context}}","choices":["a"],"gold":"0"}""");
        folder.Write("own.jsonl", row);
        string message = folder.Failure("own");
        Assert.StartsWith(folder["own.jsonl"] + ", " + expected, message, StringComparison.Ordinal);
        Assert.EndsWith($"the task is defined in {path}", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_rows_wrong_answers_and_empty_choices_are_errors()
    {
        string path = folder.Write("own.json", """{"data":"own.jsonl","context":"c","choices":["{a}","{b}"],"gold":"{g}","delimiter":""}""");
        string missing = folder.Failure("own");
        Assert.StartsWith(folder["own.jsonl"], missing, StringComparison.Ordinal);
        Assert.Contains(path, missing, StringComparison.Ordinal);
        folder.Write("own.jsonl", """{"a":"x","b":"y","g":2}""");
        Assert.Contains("the right answer is '2' ({g}), expected the index of a choice, 0 to 1", folder.Failure("own"), StringComparison.Ordinal);
        folder.Write("own.jsonl", """{"a":"x","b":"","g":0}""");
        Assert.Contains("choice 1 is empty", folder.Failure("own"), StringComparison.Ordinal);
        folder.Write("own.json", """{"data":"own.jsonl","context":["c","d","e"],"choices":["{a}","{a}"],"gold":"{g}"}""");
        Assert.Contains("2 choices for 3 contexts", folder.Failure("own"), StringComparison.Ordinal);
    }
}
