namespace Halfbit.Evaluation;

/// <summary>OpenBookQA (Mihaylov et al., 2018), without the book: the question's stem alone, four choices that complete it.</summary>
internal static class OpenBookQa
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "openbookqa",
        Files = ["openbookqa.jsonl", "OpenBookQA-V1-Sep2018/Data/Main/test.jsonl", "openbookqa/test.jsonl"],
        Origin = "Data/Main/test.jsonl of OpenBookQA (allenai.org/data/open-book-qa)",
        Contexts = ["{question_stem}"],
        ChoicesField = "texts",
        Gold = "{answerKey}",
        LabelsField = "labels",
        Metrics = [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy],
        Prepare = row => row.Has("question.stem") ? Arc.Flattened(row, "question_stem") : row.With("texts", row.Texts("choices.text")).With("labels", row.Texts("choices.label")),
    };
}
