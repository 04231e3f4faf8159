namespace Halfbit.Evaluation;

/// <summary>MMLU (Hendrycks et al., 2021): 57 subjects, four choices, of which the letter is scored.</summary>
internal static class Mmlu
{
    public const string Name = "mmlu";

    /// <summary>Categories with their subjects; a subject is a task <c>mmlu_…</c>.</summary>
    public static IReadOnlyList<(string Category, IReadOnlyList<string> Subjects)> Categories { get; } =
    [
        ("stem",
        [
            "abstract_algebra", "anatomy", "astronomy", "college_biology", "college_chemistry", "college_computer_science", "college_mathematics", "college_physics",
            "computer_security", "conceptual_physics", "electrical_engineering", "elementary_mathematics", "high_school_biology", "high_school_chemistry",
            "high_school_computer_science", "high_school_mathematics", "high_school_physics", "high_school_statistics", "machine_learning",
        ]),
        ("other",
        [
            "business_ethics", "clinical_knowledge", "college_medicine", "global_facts", "human_aging", "management", "marketing", "medical_genetics", "miscellaneous",
            "nutrition", "professional_accounting", "professional_medicine", "virology",
        ]),
        ("social_sciences",
        [
            "econometrics", "high_school_geography", "high_school_government_and_politics", "high_school_macroeconomics", "high_school_microeconomics",
            "high_school_psychology", "human_sexuality", "professional_psychology", "public_relations", "security_studies", "sociology", "us_foreign_policy",
        ]),
        ("humanities",
        [
            "formal_logic", "high_school_european_history", "high_school_us_history", "high_school_world_history", "international_law", "jurisprudence",
            "logical_fallacies", "moral_disputes", "moral_scenarios", "philosophy", "prehistory", "professional_law", "world_religions",
        ]),
    ];

    /// <summary>All subjects, alphabetically.</summary>
    public static IReadOnlyList<string> Subjects { get; } = [.. Categories.SelectMany(c => c.Subjects).Order(StringComparer.Ordinal)];

    /// <summary>One subject: a description even without examples, no "Question:", the letters as choices.</summary>
    public static TaskDefinition Definition(string subject) => Common(subject) with
    {
        Description = $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
        Contexts = ["{trimmed}\nA. {choices[0]}\nB. {choices[1]}\nC. {choices[2]}\nD. {choices[3]}\nAnswer:"],
        Choices = ["A", "B", "C", "D"],
        Prepare = row => row.With("trimmed", PythonText.Trim(row.Text("question"))),
    };

    /// <summary>One subject as the harness's version 0.3 asked (<c>hendrycksTest-…</c>): no description, the choices' full texts are scored.</summary>
    public static TaskDefinition Definition03(string subject) => Common(subject) with
    {
        Version = "0.3",
        Contexts = ["Question: {question}\nChoices:\nA. {choices[0]}\nB. {choices[1]}\nC. {choices[2]}\nD. {choices[3]}\nAnswer:"],
        ChoicesField = "choices",
        Metrics = [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy],
        ExampleFiles = [],
    };

    private static TaskDefinition Common(string subject) => new()
    {
        Name = $"{Name}_{subject}",
        Files = ["mmlu_test.jsonl"],
        ExampleFiles = ["mmlu_dev.jsonl"],
        Origin = "MMLU (cais/mmlu on Hugging Face), its test and dev splits as jsonl",
        Only = ("subject", subject),
        Contexts = [],
        Gold = "{answer}",
    };
}
