namespace Halfbit.Evaluation;

/// <summary>PIQA (Bisk et al., 2020): which of two ways reaches a goal. The authors keep the labels in a file beside the rows.</summary>
internal static class Piqa
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "piqa",
        Files = ["piqa.jsonl", "piqa/valid.jsonl", "piqa/dev.jsonl", "physicaliqa-train-dev/dev.jsonl", "valid.jsonl"],
        Origin = "PIQA (yonatanbisk.com/piqa), files valid.jsonl and valid-labels.lst",
        Contexts = ["Question: {goal}\nAnswer:"],
        Choices = ["{sol1}", "{sol2}"],
        Gold = "{label}",
        Metrics = [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy],
    };
}
