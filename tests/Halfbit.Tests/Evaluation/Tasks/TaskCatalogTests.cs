using Halfbit.Evaluation;

namespace Halfbit.Tests.Evaluation.Tasks;

public sealed class TaskCatalogTests : IDisposable
{
    private readonly TaskFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void All_is_every_task_and_the_subjects_of_mmlu()
    {
        IReadOnlyList<TaskSelection> all = Select("all");
        Assert.Equal(["boolq", "piqa", "hellaswag", "winogrande", "arc_easy", "arc_challenge", "openbookqa", "rte", "lambada_openai", "mmlu"], all.Select(s => s.Name));
        Assert.Equal(TaskCatalog.Names, all.Select(s => s.Name));
        TaskSelection mmlu = all[^1];
        Assert.Equal(57, mmlu.Tasks.Select(t => t.Name).Distinct().Count());
        Assert.Equal(mmlu.Tasks.Select(t => t.Name).Order(StringComparer.Ordinal), mmlu.Tasks.Select(t => t.Name));
        Assert.Equal([("mmlu", 57), ("mmlu_stem", 19), ("mmlu_other", 13), ("mmlu_social_sciences", 12), ("mmlu_humanities", 13)], mmlu.Groups.Select(g => (g.Name, g.Members.Count)));
        Assert.Equal(mmlu.Groups[0].Members.Order(StringComparer.Ordinal), mmlu.Groups.Skip(1).SelectMany(g => g.Members).Order(StringComparer.Ordinal));
        Assert.All(all.Take(9), s => Assert.Empty(s.Groups));
    }

    [Fact]
    public void Names_say_parts_and_examples()
    {
        TaskSelection category = Assert.Single(Select("mmlu_other_5shot"));
        Assert.Equal("mmlu_other_5shot", Assert.Single(category.Groups).Name);
        Assert.Equal(category.Tasks.Select(t => t.Name), category.Groups[0].Members);
        Assert.All(category.Tasks, t => Assert.Equal(5, t.Shots));
        Assert.Contains("mmlu_virology_5shot", category.Groups[0].Members);
        Assert.Equal(("mmlu_anatomy", 0), (folder.Task("mmlu_anatomy").Name, folder.Task("mmlu_anatomy").Shots));
        Assert.Equal(2, folder.Task("mmlu_anatomy", 2).Shots);
        Assert.Equal(4, folder.Task("mmlu_anatomy_4shot", 2).Shots); // the name says more than the option
        Assert.Equal(116, Select("mmlu", "mmlu_0shot", "piqa", "rte").Sum(s => s.Tasks.Count));
    }

    [Fact]
    public void A_name_can_say_its_file()
    {
        string path = folder.Write("elsewhere/dev.jsonl", """{"goal":"g","sol1":"x","sol2":"y"}""");
        folder.Write("elsewhere/dev-labels.lst", "1");
        TaskSelection selection = Assert.Single(Select("piqa=" + path));
        Assert.Equal(("piqa", "piqa"), (selection.Name, selection.Tasks[0].Name));
        Assert.Equal(folder.Task("piqa").TemplateHash, selection.Tasks[0].TemplateHash);
        Assert.Equal(1, Assert.Single(folder.Items("piqa=" + path)).Gold);
        Assert.Contains("twice", Assert.Throws<TaskException>(() => Select("piqa", "piqa=" + path)).Message, StringComparison.Ordinal);
        Assert.Contains("task 'nothing' is unknown", Assert.Throws<TaskException>(() => Select("nothing=" + path)).Message, StringComparison.Ordinal);
        Assert.StartsWith(folder["none"] + ": not found, for task 'mmlu_anatomy_1shot'", folder.Failure("mmlu_anatomy_1shot=" + folder["none"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_names_doubles_and_impossible_examples_are_refused()
    {
        string unknown = Assert.Throws<TaskException>(() => Select("piqua")).Message;
        Assert.Contains("task 'piqua' is unknown", unknown, StringComparison.Ordinal);
        Assert.All(TaskCatalog.Names, name => Assert.Contains(name, unknown, StringComparison.Ordinal));
        Assert.Contains("twice", Assert.Throws<TaskException>(() => Select("piqa", "all")).Message, StringComparison.Ordinal);
        Assert.Contains("'mmlu_virology' is asked for twice", Assert.Throws<TaskException>(() => Select("mmlu_virology", "mmlu_other")).Message, StringComparison.Ordinal);
        Assert.Contains("'piqa' is measured without examples", Assert.Throws<TaskException>(() => Select("piqa_5shot")).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<TaskException>(() => Select(folder["none.json"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Template_hashes_tell_tasks_apart_and_stay()
    {
        List<TaskDefinition> tasks = [.. Select("all", "mmlu_5shot").SelectMany(s => s.Tasks), .. TaskCatalog.Select(["mmlu"], folder.Path, 0, Harness.Version03).SelectMany(s => s.Tasks)];
        string[] hashes = [.. tasks.Select(t => t.TemplateHash)];
        Assert.Equal(hashes, tasks.Select(t => t.TemplateHash));
        Assert.Equal(9 + (3 * 57) - 1, hashes.Distinct().Count()); // ARC-Easy and ARC-Challenge ask alike
        TaskDefinition piqa = folder.Task("piqa");
        TaskDefinition[] changed =
        [
            piqa with { Version = "2" }, piqa with { Description = "d" }, piqa with { Contexts = ["{goal}"] }, piqa with { Choices = ["{sol2}", "{sol1}"] }, piqa with { ChoicesField = "f" },
            piqa with { Gold = "0" }, piqa with { Labels = ["a"] }, piqa with { LabelsField = "l" }, piqa with { Delimiter = string.Empty }, piqa with { Shots = 1 }, piqa with { Metrics = [TaskMetric.Accuracy] },
            piqa with { Only = ("a", "b") },
        ];
        Assert.Equal(changed.Length, changed.Select(t => t.TemplateHash).Where(h => h != piqa.TemplateHash).Distinct().Count());
    }

    private IReadOnlyList<TaskSelection> Select(params string[] names) => TaskCatalog.Select(names, folder.Path, 0, Harness.Current);
}
