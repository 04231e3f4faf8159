namespace Halfbit.Evaluation;

/// <summary>BoolQ (Clark et al., 2019), SuperGLUE's copy: yes or no about a passage.</summary>
internal static class BoolQ
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "boolq",
        Files = ["boolq.jsonl", "BoolQ/val.jsonl", "boolq/dev.jsonl", "boolq-dev.jsonl"],
        Origin = "BoolQ.zip of SuperGLUE (super.gluebenchmark.com), file val.jsonl",
        Contexts = ["{passage}\nQuestion: {question}?\nAnswer:"],
        Choices = ["no", "yes"],
        Gold = "{label}",
        Labels = ["0", "1"],
        Prepare = Prepare,
    };

    /// <summary>SuperGLUE writes labels as true and false; Google's file has the title in a field of its own and calls the label <c>answer</c>.</summary>
    private static TaskRow Prepare(TaskRow row)
    {
        bool isGoogles = row.Has("title") && row.Has("answer");
        string label = row.Text(isGoogles ? "answer" : "label");
        if (isGoogles) row = row.With("passage", $"{row.Text("title")} -- {row.Text("passage")}");
        return row.With("label", label switch { "true" => "1", "false" => "0", _ => label });
    }
}
