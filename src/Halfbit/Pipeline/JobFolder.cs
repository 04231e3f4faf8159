using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Pipeline;

/// <summary>
/// The folder of a job under way. Every file appears under its name only when it is complete, so that a job killed at any moment
/// can go on; the folder takes its final name as the last step.
/// </summary>
internal sealed class JobFolder : IDisposable
{
    /// <summary>Name of the record that stays in the finished folder.</summary>
    public const string RecordName = "halfbit.json";

    private readonly string output;
    private readonly FileStream @lock;

    private JobFolder(string output, FileStream @lock)
    {
        this.output = output;
        this.@lock = @lock;
    }

    /// <summary>The partial folder.</summary>
    public string Folder => PartialOf(output);

    /// <summary>Files that only the running job needs; removed at the end.</summary>
    public string WorkFolder => Path.Combine(Folder, "job");

    private string IdentityPath => Path.Combine(WorkFolder, "identity.json");

    /// <summary>Where a job lives until it is complete.</summary>
    public static string PartialOf(string output) => Path.TrimEndingDirectorySeparator(output) + ".partial";

    /// <summary>Enters the partial folder: makes it, or goes on in it.</summary>
    /// <param name="options">Output folder, resume and overwrite.</param>
    /// <param name="identity">The job's identity.</param>
    /// <exception cref="PipelineException">The output exists, or the partial job is another one or in use.</exception>
    public static JobFolder Enter(QuantizationJobOptions options, JsonObject identity)
    {
        string output = Path.TrimEndingDirectorySeparator(options.OutputFolder);
        if ((Directory.Exists(output) || File.Exists(output)) && !options.Overwrite)
            throw new PipelineException($"{output}: exists already; choose another --out, or pass --overwrite to replace it");
        string partial = PartialOf(output);
        bool isThere = Directory.Exists(partial);
        if (isThere && !options.Resume && !options.Overwrite)
            throw new PipelineException($"{partial}: holds a partial job; pass --resume to go on with it, or --overwrite to start again");
        Directory.CreateDirectory(partial);
        var job = new JobFolder(output, Lock(partial));
        try
        {
            if (isThere && options.Resume) job.CheckIdentity(identity);
            else job.Start(identity);
            return job;
        }
        catch
        {
            job.Dispose();
            throw;
        }
    }

    /// <summary>Removes the working files and gives the folder its final name; what was there before is replaced.</summary>
    public void Finish()
    {
        if (Directory.Exists(WorkFolder)) Directory.Delete(WorkFolder, recursive: true);
        Dispose();
        string? replaced = null;
        if (Directory.Exists(output))
        {
            replaced = output + ".replaced";
            if (Directory.Exists(replaced)) Directory.Delete(replaced, recursive: true);
            Directory.Move(output, replaced);
        }

        Directory.Move(Folder, output);
        if (replaced is not null) Directory.Delete(replaced, recursive: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        @lock.Dispose();
        if (Directory.Exists(Folder)) File.Delete(LockPath(Folder));
    }

    private static string LockPath(string partial) => Path.Combine(partial, ".lock");

    private static FileStream Lock(string partial)
    {
        try
        {
            return new FileStream(LockPath(partial), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or PathTooLongException) && File.Exists(LockPath(partial)))
        {
            throw new PipelineException($"{partial}: another job is writing there; wait for it, or choose another --out", exception);
        }
    }

    private void Start(JsonObject identity)
    {
        foreach (string file in Directory.GetFiles(Folder))
        {
            if (file != LockPath(Folder)) File.Delete(file);
        }

        foreach (string folder in Directory.GetDirectories(Folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(WorkFolder);
        AtomicFile.WriteText(IdentityPath, identity.ToJsonString());
    }

    private void CheckIdentity(JsonObject identity)
    {
        JsonObject? earlier = null;
        if (File.Exists(IdentityPath)) earlier = JsonNode.Parse(File.ReadAllText(IdentityPath)) as JsonObject;
        else if (File.Exists(Path.Combine(Folder, RecordName))) earlier = JobRecord.Read(Path.Combine(Folder, RecordName)).Identity;
        if (earlier is null)
        {
            // Killed before the identity was written: nothing is lost by starting again.
            Start(identity);
            return;
        }

        if (JobIdentity.Difference(earlier, identity) is string field)
        {
            throw new PipelineException($"{Folder}: the partial job differs in '{field}' ({earlier[field]?.ToJsonString() ?? "none"}, now {identity[field]?.ToJsonString() ?? "none"}); "
                + "give the same options to --resume, or pass --overwrite to start again");
        }

        Directory.CreateDirectory(WorkFolder);
        foreach (string unfinished in Directory.GetFiles(Folder, "*.writing", SearchOption.AllDirectories)) File.Delete(unfinished);
    }
}
