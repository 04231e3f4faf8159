namespace Halfbit.Quantization.RoundToNearest;

/// <summary>Options of round-to-nearest and of GPTQ, which is the same with error feedback.</summary>
public sealed record RoundToNearestOptions : MethodOptions
{
    /// <summary>Options with a group size of 128.</summary>
    public RoundToNearestOptions()
    {
        GroupSize = 128;
    }

    /// <summary>Bits per weight.</summary>
    /// <value>1 to 8; default 2. With 1 the two levels are 0 and the end of the range that is farther from it.</value>
    public int Bits { get; init; } = 2;

    /// <summary>Whether the grid is symmetric around zero, so that no zero code is stored.</summary>
    public bool Symmetric { get; init; }
}
