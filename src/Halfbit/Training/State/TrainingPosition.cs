namespace Halfbit.Training;

/// <summary>How far a training run is.</summary>
/// <param name="Step">Optimizer updates done.</param>
/// <param name="Sequences">Training sequences drawn: with the seed it says which come next (<see cref="TrainingText"/>).</param>
/// <param name="Random">State words of other random generators of the run; empty when there are none.</param>
internal sealed record TrainingPosition(long Step, long Sequences, IReadOnlyList<ulong> Random)
{
    /// <summary>The start of a run.</summary>
    public static TrainingPosition Start { get; } = new(0, 0, []);
}
