using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>The items of a task, as many as are asked for.</summary>
public static class TaskItems
{
    /// <summary>Version 0.3 shuffled all documents with this seed before it took the first.</summary>
    private const int ShuffleSeed = 42;

    /// <summary>Reads and builds a task's items.</summary>
    /// <param name="task">The task.</param>
    /// <param name="library">Where its data are.</param>
    /// <param name="limit">Only so many, ≥ 1; null: all. Current: the first of the file; 0.3: the first after shuffling, in the order of the file here.</param>
    /// <param name="harness">Whose conventions.</param>
    /// <exception cref="TaskException">The data are missing or wrong.</exception>
    public static IReadOnlyList<TaskItem> Load(TaskDefinition task, TaskLibrary library, int? limit, Harness harness)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(library);
        IReadOnlyList<TaskRow> rows = library.Documents(task);
        var builder = new ItemBuilder(task, library.Examples(task));
        IEnumerable<int> indices = Enumerable.Range(0, rows.Count);
        if (limit < rows.Count) indices = harness == Harness.Version03 ? Shuffled(rows.Count).Take(limit.Value).Order() : indices.Take(limit.Value);
        return [.. indices.Select(i => builder.Build(i, rows[i]))];
    }

    /// <summary>Reads and builds the items of several tasks once, so that what is wrong with the data shows before long work.</summary>
    /// <exception cref="TaskException">As in <see cref="Load"/>.</exception>
    public static void Check(IEnumerable<TaskDefinition> tasks, TaskLibrary library, TaskRunOptions options)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        ArgumentNullException.ThrowIfNull(options);
        foreach (TaskDefinition task in tasks) Load(task, library, options.Limit, options.Harness);
    }

    /// <summary>As Python's <c>random.Random(42).shuffle</c>.</summary>
    private static int[] Shuffled(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        var random = new PythonRandom(ShuffleSeed);
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)random.NextInclusive(0, i);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }
}
