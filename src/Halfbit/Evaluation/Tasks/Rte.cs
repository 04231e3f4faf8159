namespace Halfbit.Evaluation;

/// <summary>RTE (Dagan et al., 2006, and its successors), GLUE's copy: does the second sentence follow? SuperGLUE has the same rows under other names.</summary>
internal static class Rte
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "rte",
        Files = ["rte.jsonl", "RTE/val.jsonl", "rte/val.jsonl"],
        Origin = "RTE.zip of SuperGLUE (super.gluebenchmark.com), file val.jsonl",
        Contexts = ["{sentence1}\nQuestion: {sentence2} True or False?\nAnswer:"],
        Choices = ["True", "False"],
        Gold = "{label}",
        Labels = ["0", "1"],
        Prepare = Prepare,
    };

    private static TaskRow Prepare(TaskRow row)
    {
        if (row.Has("premise")) row = row.With("sentence1", row.Text("premise")).With("sentence2", row.Text("hypothesis"));
        return row.Text("label") switch
        {
            "entailment" => row.With("label", "0"),
            "not_entailment" => row.With("label", "1"),
            _ => row,
        };
    }
}
