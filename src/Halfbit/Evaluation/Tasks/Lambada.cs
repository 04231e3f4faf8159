namespace Halfbit.Evaluation;

/// <summary>LAMBADA (Paperno et al., 2016) in OpenAI's file: the last word of a passage.</summary>
internal static class Lambada
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "lambada_openai",
        Files = ["lambada_openai.jsonl", "lambada_test.jsonl"],
        Origin = "OpenAI's lambada_test.jsonl (EleutherAI/lambada_openai on Hugging Face)",
        Contexts = ["{context}"],
        Choices = ["{target}"],
        Metrics = [TaskMetric.Perplexity, TaskMetric.GreedyAccuracy],
        Prepare = Prepare,
    };

    /// <summary>Cut at the last blank; other white space is part of a word, as in the harness.</summary>
    private static TaskRow Prepare(TaskRow row)
    {
        string text = row.Text("text");
        int cut = text.LastIndexOf(' ');
        if (cut < 0) throw row.Error("field 'text' is one word, there is nothing before it");
        return row.With("context", text[..cut]).With("target", text[(cut + 1)..]);
    }
}
