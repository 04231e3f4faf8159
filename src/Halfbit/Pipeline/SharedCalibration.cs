using System.Diagnostics;
using System.Text.Json.Nodes;
using Halfbit.Calibration;
using Halfbit.Numerics;

namespace Halfbit.Pipeline;

/// <summary>
/// What jobs with different methods on one model and one calibration have in common: the sequences, and the statistics of the first block,
/// whose inputs no method has changed yet. From the second block on, each method sees what its own compressed blocks hand over.
/// </summary>
/// <remarks>
/// The other way would be one walk for all methods, block by block, with hidden states for each: it would share nothing more, and hold as many models' states at once.
/// Embeddings are not kept: looking them up again is one copy of what a job then runs through every block, keeping them would take up to <see cref="HiddenStates.MemoryLimit"/>.
/// </remarks>
internal sealed class SharedCalibration
{
    /// <summary>
    /// Bytes of Hessians up to which they are kept between jobs. A model whose first block needs more has many blocks, and would win little: collecting one block
    /// is 1 of 2·blocks − 1 passes over the sequences. Factors are not kept: each method's time then holds all of its own work.
    /// </summary>
    private const long MemoryLimit = 512L << 20;

    private readonly Stopwatch watch = new();
    private CalibrationSet? sequences;
    private Matrix[]? firstBlock;
    private JsonObject? identity;

    /// <summary>Time spent on what is shared; it is part of the time of the job that came first.</summary>
    public double Seconds => watch.Elapsed.TotalSeconds;

    /// <summary>The sequences: made by the first job that asks.</summary>
    public CalibrationSet Sequences(Func<CalibrationSet> make) => sequences ??= Timed(make);

    /// <summary>The statistics of the first block: collected by the first job that asks, and kept while they are small.</summary>
    public BlockStatistics FirstBlock(Func<BlockStatistics> collect)
    {
        if (firstBlock is not null) return new BlockStatistics(firstBlock);
        BlockStatistics collected = Timed(collect);
        if (collected.Entries * sizeof(float) > MemoryLimit) return collected;
        firstBlock = collected.TakeHessians();
        return new BlockStatistics(firstBlock);
    }

    /// <summary>Refuses a job on another model or calibration.</summary>
    /// <exception cref="InvalidOperationException">The job differs from the first one in more than its method.</exception>
    public void Check(JsonObject job)
    {
        if (job["calibration"] is null) return;
        var own = new JsonObject { ["calibration"] = job["calibration"]!.DeepClone(), ["model"] = job["model"]!.DeepClone() };
        identity ??= own;
        if (JobIdentity.Difference(identity, own) is { } difference) throw new InvalidOperationException($"jobs that share a calibration differ in '{difference.Field}'");
    }

    private T Timed<T>(Func<T> work)
    {
        watch.Start();
        try
        {
            return work();
        }
        finally
        {
            watch.Stop();
        }
    }
}
