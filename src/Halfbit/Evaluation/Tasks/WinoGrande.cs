namespace Halfbit.Evaluation;

/// <summary>WinoGrande (Sakaguchi et al., 2020): which of two fills the gap. The rest of the sentence is scored after each (Trinh and Le, 2018).</summary>
internal static class WinoGrande
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "winogrande",
        Files = ["winogrande.jsonl", "winogrande_1.1/dev.jsonl", "winogrande/dev.jsonl"],
        Origin = "dev.jsonl of WinoGrande 1.1 (winogrande.allenai.org)",
        Contexts = ["{before}{option1}", "{before}{option2}"],
        Choices = ["{after}"],
        Gold = "{answer}",
        Labels = ["1", "2"],
        Prepare = Prepare,
    };

    private static TaskRow Prepare(TaskRow row)
    {
        string sentence = row.Text("sentence");
        int gap = sentence.IndexOf('_', StringComparison.Ordinal);
        if (gap < 0) throw row.Error("field 'sentence' has no gap '_'");
        return row.With("before", sentence[..gap]).With("after", PythonText.Trim(sentence[(gap + 1)..]));
    }
}
