using System.Globalization;

namespace Halfbit.Evaluation;

/// <summary>Turns rows into items by a task's definition.</summary>
public sealed class ItemBuilder
{
    private readonly TaskDefinition task;
    private readonly TextTemplate[] contexts;
    private readonly TextTemplate[] choices;
    private readonly TextTemplate gold;
    private readonly string preamble;

    /// <summary>Reads the templates and writes the examples.</summary>
    /// <param name="task">The task.</param>
    /// <param name="examples">Rows to show before each question, in order.</param>
    /// <exception cref="TaskException">A template is malformed, or an example lacks a field.</exception>
    public ItemBuilder(TaskDefinition task, IReadOnlyList<TaskRow> examples)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(examples);
        this.task = task;
        contexts = [.. task.Contexts.Select(text => new TextTemplate(text))];
        choices = [.. task.Choices.Select(text => new TextTemplate(text))];
        gold = new TextTemplate(task.Gold);
        if (contexts.Length == 0) throw new TaskException($"task '{task.Name}': no context template");
        preamble = task.Description + string.Concat(examples.Select(row => Example(Prepared(row)) + "\n\n"));
    }

    /// <summary>The item of one row.</summary>
    /// <param name="index">Its place in the task.</param>
    /// <param name="row">The row as read.</param>
    /// <exception cref="TaskException">A field is missing, there is no choice, a continuation is empty, or the right answer is none of the choices.</exception>
    public TaskItem Build(int index, TaskRow row)
    {
        try
        {
            return Item(index, Prepared(row));
        }
        catch (TaskException exception) when (task.DefinedIn is not null)
        {
            throw new TaskException($"{exception.Message}; the task is defined in {task.DefinedIn}", exception);
        }
    }

    private TaskItem Item(int index, TaskRow row)
    {
        IReadOnlyList<string> texts = ChoicesOf(row);
        int right = GoldOf(row, texts.Count);
        var requests = new TaskRequest[texts.Count];
        string first = preamble + contexts[0].Fill(row);
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = new TaskRequest(contexts.Length == 1 || i == 0 ? first : preamble + contexts[i].Fill(row), task.Delimiter + texts[i]);
            if (requests[i].Continuation.Length == 0) throw row.Error($"choice {i} is empty, and nothing can be scored");
        }

        // Where contexts differ they are what is chosen between, and the harness counts them.
        IEnumerable<int> lengths = contexts.Length > 1 ? contexts.Select(context => CodePoints(context.Fill(row))) : texts.Select(CodePoints);
        return new TaskItem(index, requests, [.. lengths], right);
    }

    private TaskRow Prepared(TaskRow row) => task.Prepare?.Invoke(row) ?? row;

    private IReadOnlyList<string> ChoicesOf(TaskRow row)
    {
        IReadOnlyList<string> texts = task.ChoicesField is string field ? row.Texts(field) : [.. choices.Select(template => template.Fill(row))];
        if (texts.Count == 1 && contexts.Length > 1) texts = [.. Enumerable.Repeat(texts[0], contexts.Length)];
        if (texts.Count == 0) throw row.Error("there are no choices");
        if (contexts.Length > 1 && texts.Count != contexts.Length) throw row.Error($"there are {texts.Count} choices for {contexts.Length} contexts");
        return texts;
    }

    private int GoldOf(TaskRow row, int choiceCount)
    {
        string answer = gold.Fill(row).Trim();
        IReadOnlyList<string> labels = task.LabelsField is string field ? row.Texts(field) : task.Labels;
        if (labels.Count > 0)
        {
            for (int i = 0; i < Math.Min(labels.Count, choiceCount); i++)
            {
                if (labels[i] == answer) return i;
            }

            throw row.Error($"the right answer is '{answer}' ({task.Gold}), expected one of the choices: {string.Join(", ", labels)}");
        }

        if (!int.TryParse(answer, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index) || index < 0 || index >= choiceCount)
            throw row.Error($"the right answer is '{answer}' ({task.Gold}), expected the index of a choice, 0 to {choiceCount - 1}");
        return index;
    }

    private string Example(TaskRow row)
    {
        IReadOnlyList<string> texts = ChoicesOf(row);
        int right = GoldOf(row, texts.Count);
        return contexts[contexts.Length == 1 ? 0 : right].Fill(row) + task.Delimiter + texts[right];
    }

    private static int CodePoints(string text) => text.EnumerateRunes().Count();
}
