namespace Halfbit.Evaluation;

/// <summary>ARC (Clark et al., 2018): questions of school science with three to five choices.</summary>
internal static class Arc
{
    public static TaskDefinition Easy { get; } = Definition("arc_easy", "ARC-Easy");

    public static TaskDefinition Challenge { get; } = Definition("arc_challenge", "ARC-Challenge");

    /// <summary>The authors' files hold the question and its choices in one object: <c>{"stem": …, "choices": [{"text": …, "label": …}]}</c>.</summary>
    public static TaskRow Flattened(TaskRow row, string stem)
    {
        if (!row.Has("question.stem")) return row;
        IReadOnlyList<TaskRow> choices = row.Rows("question.choices");
        return row
            .With("texts", choices.Select(choice => choice.Text("text")))
            .With("labels", choices.Select(choice => choice.Text("label")))
            .With(stem, row.Text("question.stem"));
    }

    private static TaskDefinition Definition(string name, string set) => new()
    {
        Name = name,
        Files = [$"{name}.jsonl", $"ARC-V1-Feb2018-2/{set}/{set}-Test.jsonl", $"ARC-V1-Feb2018/{set}/{set}-Test.jsonl", $"{set}/{set}-Test.jsonl", $"{set}-Test.jsonl"],
        Origin = $"{set}-Test.jsonl of ARC (allenai.org/data/arc)",
        Contexts = ["Question: {question}\nAnswer:"],
        ChoicesField = "texts",
        Gold = "{answerKey}",
        LabelsField = "labels",
        Metrics = [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy],
        Prepare = row => row.Has("question.stem") ? Flattened(row, "question") : row.With("texts", row.Texts("choices.text")).With("labels", row.Texts("choices.label")),
    };
}
