namespace Halfbit.Training;

/// <summary>Learning rate over a run: linear warm-up, then half a cosine down to a floor (Loshchilov and Hutter, arXiv 1608.03983, without restarts).</summary>
/// <remarks>
/// Update s, counted from 0: peak·(s + 1)/warmUp while s &lt; warmUp; then floor + (peak − floor)·(1 + cos π·p)/2 with p = (s − warmUp)/(steps − warmUp);
/// the floor from s = steps on. Departure from the usual programs: their first update has rate 0 and changes nothing; ours starts at peak/warmUp.
/// </remarks>
internal sealed record CosineSchedule
{
    /// <summary>A schedule.</summary>
    /// <param name="peak">Highest learning rate, ≥ 0.</param>
    /// <param name="steps">Updates of the whole run, ≥ 1.</param>
    /// <param name="warmUpSteps">Updates until the peak is reached, in [0, steps].</param>
    /// <param name="floor">Learning rate at the end, in [0, peak].</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public CosineSchedule(double peak, long steps, long warmUpSteps = 0, double floor = 0)
    {
        if (!(peak >= 0 && double.IsFinite(peak))) throw new ArgumentOutOfRangeException(nameof(peak), peak, "the learning rate must be a number ≥ 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(warmUpSteps);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(warmUpSteps, steps);
        if (!(floor >= 0 && floor <= peak)) throw new ArgumentOutOfRangeException(nameof(floor), floor, "the lowest learning rate must be within [0, peak]");
        Peak = peak;
        Steps = steps;
        WarmUpSteps = warmUpSteps;
        Floor = floor;
    }

    /// <summary>Highest learning rate.</summary>
    public double Peak { get; }

    /// <summary>Updates of the whole run.</summary>
    public long Steps { get; }

    /// <summary>Updates until the peak is reached.</summary>
    public long WarmUpSteps { get; }

    /// <summary>Learning rate at the end.</summary>
    public double Floor { get; }

    /// <summary>The learning rate of update <paramref name="step"/>, counted from 0.</summary>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (step < WarmUpSteps) return Peak * (step + 1) / WarmUpSteps;
        if (step >= Steps) return Floor;
        return Floor + ((Peak - Floor) * (1 + Math.Cos(Math.PI * Progress(step))) / 2);
    }

    /// <summary>Share of the way from the end of the warm-up to the end of the run, in [0, 1].</summary>
    public double Progress(long step) => step < WarmUpSteps ? 0 : step >= Steps ? 1 : (double)(step - WarmUpSteps) / (Steps - WarmUpSteps);
}
