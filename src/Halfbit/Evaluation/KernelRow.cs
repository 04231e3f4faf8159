namespace Halfbit.Evaluation;

/// <summary>How fast one form of packed weights multiplies, beside dense weights in single precision and beside the memory's own speed.</summary>
/// <remarks>What stands in one row was measured in turns within a second or so, so that other load on the machine meets all of it.</remarks>
public sealed record KernelRow
{
    /// <summary>The form; one of <see cref="KernelThroughput.Forms"/>.</summary>
    public required string Form { get; init; }

    /// <summary>Rows of the matrix.</summary>
    public required int Rows { get; init; }

    /// <summary>Columns of the matrix.</summary>
    public required int Columns { get; init; }

    /// <summary>Threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Bits per weight in memory, scales and padding included.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Bytes per second that the same threads can read.</summary>
    public required double ReadBandwidth { get; init; }

    /// <summary>Weights per second with one row of activations, from memory.</summary>
    public required double WeightsPerSecond { get; init; }

    /// <summary>The same for a dense matrix.</summary>
    public required double DenseWeightsPerSecond { get; init; }

    /// <summary>Rows of activations of the prompt.</summary>
    public required int PromptRows { get; init; }

    /// <summary>Floating-point operations per second with as many rows of activations as a prompt has, two for each weight and row.</summary>
    public required double PromptFlops { get; init; }

    /// <summary>The same for a dense matrix.</summary>
    public required double DensePromptFlops { get; init; }

    /// <summary>Bytes of packed weights per second with one row of activations.</summary>
    public double BytesPerSecond => WeightsPerSecond * BitsPerWeight / 8;

    /// <summary>Share of the read bandwidth that the product with one row reaches.</summary>
    public double Share => BytesPerSecond / ReadBandwidth;

    /// <summary>Speed with one row of activations over that of a dense matrix.</summary>
    public double Ratio => WeightsPerSecond / DenseWeightsPerSecond;

    /// <summary>Speed with a prompt over that of a dense matrix.</summary>
    public double PromptRatio => PromptFlops / DensePromptFlops;
}
