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
    public string Folder => output + JobPlace.PartialSuffix;

    /// <summary>Files that only the running job needs; removed at the end.</summary>
    public string WorkFolder => Path.Combine(Folder, "job");

    /// <summary>Whether everything is written and only the last renaming is missing: the record comes last.</summary>
    public bool IsComplete => File.Exists(Path.Combine(Folder, RecordName));

    private string IdentityPath => Path.Combine(WorkFolder, "identity.json");

    private string LockPath => Path.Combine(Folder, JobPlace.LockName);

    /// <summary>Enters the partial folder: makes it, or goes on in it.</summary>
    /// <param name="outputFolder">The final folder.</param>
    /// <param name="modelFolder">The model that is read.</param>
    /// <param name="resume">Whether to go on with a partial job; null: this kind of job always starts again.</param>
    /// <param name="overwrite">Whether an existing output, or a partial job, may be replaced.</param>
    /// <param name="identity">The job's identity.</param>
    /// <exception cref="PipelineException">The output exists or cannot be made, or the partial job is another one or in use.</exception>
    public static JobFolder Enter(string outputFolder, string modelFolder, bool? resume, bool overwrite, JsonObject identity)
    {
        string output = JobPlace.OutputOf(outputFolder, modelFolder);
        string partial = output + JobPlace.PartialSuffix;
        if (Directory.Exists(output) && !overwrite)
            throw new PipelineException($"{output}: exists already; choose another --out, or pass --overwrite to replace it");
        bool isThere = Directory.Exists(partial);
        if (isThere && resume != true && !overwrite)
            throw new PipelineException($"{partial}: holds a partial job; pass {(resume is null ? string.Empty : "--resume to go on with it, or ")}--overwrite to start again");
        JobPlace.CheckOwn(output, RecordName);
        JobPlace.CheckOwn(output + JobPlace.ReplacedSuffix, RecordName);
        JobPlace.CheckOwn(partial, JobPlace.LockName);
        var job = new JobFolder(output, Lock(partial));
        try
        {
            if (isThere && resume == true) job.CheckIdentity(identity);
            else job.Start(identity);
            return job;
        }
        catch
        {
            job.Dispose();
            throw;
        }
    }

    /// <summary>Removes the folder of a job that can never end.</summary>
    public void Remove() => Directory.Delete(Folder, recursive: true);

    /// <summary>Removes the folder of a job that failed before it made anything that a resumption could use.</summary>
    public void RemoveIfNothingIsKept()
    {
        if (Directory.Exists(WorkFolder) && Directory.EnumerateFiles(WorkFolder).All(f => f == IdentityPath)) Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Removes the working files and gives the folder its final name; what was there before is replaced.</summary>
    public void Finish()
    {
        if (Directory.Exists(WorkFolder)) Directory.Delete(WorkFolder, recursive: true);
        if (!OperatingSystem.IsWindows()) File.Delete(LockPath); // while it is held, so that nobody else can hold it
        @lock.Dispose();
        File.Delete(LockPath);
        string replaced = output + JobPlace.ReplacedSuffix;
        if (Directory.Exists(replaced)) Directory.Delete(replaced, recursive: true);
        if (Directory.Exists(output)) Directory.Move(output, replaced);
        Directory.Move(Folder, output);
        if (Directory.Exists(replaced)) Directory.Delete(replaced, recursive: true);
    }

    /// <summary>Gives the lock up; its file stays as the sign of a job's folder.</summary>
    public void Dispose() => @lock.Dispose();

    private static FileStream Lock(string partial)
    {
        string path = Path.Combine(partial, JobPlace.LockName);
        try
        {
            Directory.CreateDirectory(partial);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new PipelineException($"{partial}: another job is writing there; wait for it, or choose another --out", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PipelineException($"{partial}: the folder cannot be made ({exception.Message}); choose another --out", exception);
        }
    }

    private void Start(JsonObject identity)
    {
        foreach (string file in Directory.GetFiles(Folder))
        {
            if (file != LockPath) File.Delete(file);
        }

        foreach (string folder in Directory.GetDirectories(Folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(WorkFolder);
        AtomicFile.WriteText(IdentityPath, identity.ToJsonString());
    }

    private void CheckIdentity(JsonObject identity)
    {
        JsonObject? earlier = null;
        if (File.Exists(IdentityPath)) earlier = JobRecord.ReadIdentity(IdentityPath);
        else if (File.Exists(Path.Combine(Folder, RecordName))) earlier = JobRecord.Read(Path.Combine(Folder, RecordName)).Identity;
        if (earlier is null)
        {
            // Killed before the identity was written: nothing is lost by starting again.
            Start(identity);
            return;
        }

        if (JobIdentity.Difference(earlier, identity) is { } difference)
        {
            throw new PipelineException($"{Folder}: the partial job differs in '{difference.Field}' ({difference.Earlier}, now {difference.Now}); "
                + "give the same options to --resume, or pass --overwrite to start again");
        }

        Directory.CreateDirectory(WorkFolder);
        foreach (string unfinished in Directory.GetFiles(Folder, "*.writing", SearchOption.AllDirectories)) File.Delete(unfinished);
    }
}
