using System.Globalization;
using System.Text.RegularExpressions;

namespace Halfbit.Evaluation;

/// <summary>The tasks that can be asked for by name, and users' own.</summary>
public static partial class TaskCatalog
{
    /// <summary>Stands for every task below.</summary>
    public const string All = "all";

    private static readonly TaskDefinition[] Single =
    [
        BoolQ.Definition, Piqa.Definition, HellaSwag.Definition, WinoGrande.Definition, Arc.Easy, Arc.Challenge, OpenBookQa.Definition, Rte.Definition, Lambada.Definition,
    ];

    /// <summary>Names of the tasks, MMLU as one.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Single.Select(t => t.Name), Mmlu.Name];

    /// <summary>Finds the tasks that names stand for.</summary>
    /// <param name="names">Names of tasks, categories (<c>mmlu_stem</c>) or subjects (<c>mmlu_anatomy</c>), <c>all</c>, or paths of users' definitions (.json); <c>_5shot</c> at the end of a name sets the number of examples, <c>=path</c> after it the file of the rows.</param>
    /// <param name="folder">Where users' definitions are looked for by name, too.</param>
    /// <param name="shots">Examples before each question, where the name does not say.</param>
    /// <param name="harness">Whose conventions.</param>
    /// <exception cref="TaskException">A name is unknown or comes twice, or a definition is wrong.</exception>
    public static IReadOnlyList<TaskSelection> Select(IEnumerable<string> names, string folder, int shots, Harness harness)
    {
        ArgumentNullException.ThrowIfNull(names);
        var selections = new List<TaskSelection>();
        foreach (string name in names.SelectMany(n => n == All ? Names : [n]))
        {
            TaskSelection selection = Find(name, folder, shots, harness);
            string? twice = selection.Tasks.Select(t => t.Name).FirstOrDefault(t => selections.Any(s => s.Tasks.Any(other => other.Name == t)));
            if (twice is not null) throw new TaskException($"task '{twice}' is asked for twice");
            selections.Add(selection);
        }

        return selections;
    }

    private static TaskSelection Find(string name, string folder, int shots, Harness harness)
    {
        if (name.IndexOf('=', StringComparison.Ordinal) is > 0 and int equals)
        {
            TaskSelection plain = Find(name[..equals], folder, shots, harness);
            return plain with { Name = name[..equals], Tasks = [.. plain.Tasks.Select(t => t with { Files = [Path.GetFullPath(name[(equals + 1)..])] })] };
        }

        Match suffix = ShotsSuffix().Match(name);
        if (suffix.Success)
        {
            TaskSelection plain = Find(name[..suffix.Index], folder, int.Parse(suffix.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture), harness);
            return new TaskSelection(
                name,
                [.. plain.Tasks.Select(t => t with { Name = t.Name + suffix.Value })],
                [.. plain.Groups.Select(g => new TaskGroup(g.Name + suffix.Value, [.. g.Members.Select(m => m + suffix.Value)]))]);
        }

        if (Single.FirstOrDefault(t => t.Name == name) is TaskDefinition task) return new TaskSelection(name, [WithShots(task, shots)], []);
        if (name == Mmlu.Name)
        {
            return new TaskSelection(
                name,
                [.. Mmlu.Subjects.Select(s => Subject(s, shots, harness))],
                [new TaskGroup(name, [.. Mmlu.Subjects.Select(NameOf)]), .. Mmlu.Categories.Select(c => new TaskGroup(NameOf(c.Category), [.. c.Subjects.Select(NameOf)]))]);
        }

        foreach ((string category, IReadOnlyList<string> subjects) in Mmlu.Categories)
        {
            if (name == NameOf(category)) return new TaskSelection(name, [.. subjects.Select(s => Subject(s, shots, harness))], [new TaskGroup(name, [.. subjects.Select(NameOf)])]);
        }

        if (Mmlu.Subjects.FirstOrDefault(s => NameOf(s) == name) is string subject) return new TaskSelection(name, [Subject(subject, shots, harness)], []);
        string? path = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? name : Path.Combine(folder, name + ".json");
        if (File.Exists(path)) return new TaskSelection(name, [WithShots(UserTask.Read(path), shots)], []);
        if (path == name) throw new TaskException($"{path}: no such file; expected the definition of a task");
        throw new TaskException($"task '{name}' is unknown; known are {string.Join(", ", Names)}, {All}, mmlu's categories and subjects (mmlu_stem, mmlu_anatomy, …), and your own as {name}.json in {folder}");
    }

    private static string NameOf(string part) => $"{Mmlu.Name}_{part}";

    private static TaskDefinition Subject(string subject, int shots, Harness harness)
    {
        if (harness == Harness.Current) return WithShots(Mmlu.Definition(subject), shots);
        return shots == 0 ? Mmlu.Definition03(subject) : throw new TaskException("mmlu with --harness 0.3 has no examples here: that version drew them at random from MMLU's validation split; use --harness current");
    }

    private static TaskDefinition WithShots(TaskDefinition task, int shots)
        => shots == 0 || task.ExampleFiles.Count > 0
            ? task with { Shots = shots }
            : throw new TaskException($"task '{task.Name}' is measured without examples; leave --shots out for it");

    [GeneratedRegex("_([0-9]{1,3})shot$")]
    private static partial Regex ShotsSuffix();
}
