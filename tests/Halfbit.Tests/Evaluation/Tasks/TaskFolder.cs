using Halfbit.Evaluation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Evaluation.Tasks;

/// <summary>A tasks folder of its own for one test.</summary>
internal sealed class TaskFolder : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public string Path => folder.Path;

    public TaskLibrary Library => new(Path);

    public string this[params string[] parts] => folder[parts];

    public void Dispose() => folder.Dispose();

    /// <summary>Writes a file with a line feed after every line; folders on the way are made.</summary>
    public string Write(string file, params string[] lines)
    {
        string path = folder[file];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, string.Concat(lines.Select(l => l + "\n")));
        return path;
    }

    public TaskDefinition Task(string name, int shots = 0, Harness harness = Harness.Current)
        => Assert.Single(Assert.Single(TaskCatalog.Select([name], Path, shots, harness)).Tasks);

    public IReadOnlyList<TaskItem> Items(string name, int? limit = null, Harness harness = Harness.Current, int shots = 0)
        => TaskItems.Load(Task(name, shots, harness), Library, limit, harness);

    /// <summary>The only item of a task whose file has these lines.</summary>
    public TaskItem OnlyItem(string name, string file, params string[] lines)
    {
        Write(file, lines);
        TaskItem item = Assert.Single(Items(name));
        File.Delete(folder[file]);
        return item;
    }

    /// <summary>The message with which reading a task's items fails: one line.</summary>
    public string Failure(string name, int shots = 0)
    {
        string message = Assert.Throws<TaskException>(() => Items(name, shots: shots)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    public static void AssertEqual(TaskItem expected, TaskItem actual)
    {
        Assert.Equal(expected.Requests, actual.Requests);
        Assert.Equal(expected.Lengths, actual.Lengths);
        Assert.Equal(expected.Gold, actual.Gold);
    }
}
