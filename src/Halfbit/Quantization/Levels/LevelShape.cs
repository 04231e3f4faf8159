using Halfbit.Representation;

namespace Halfbit.Quantization.Levels;

/// <summary>Which levels the weights of a row's block may take, up to the numbers.</summary>
internal sealed record LevelShape
{
    /// <summary>Groups of salient columns, each of two sign planes and so two magnitudes; used when a block has salient columns.</summary>
    public int SalientGroups { get; init; } = 1;

    /// <summary>Groups of the other columns, each of one sign plane and so one magnitude.</summary>
    public int PlainGroups { get; init; } = 1;

    /// <summary>Whether a row's block has a mean, shared by its groups.</summary>
    public bool HasMean { get; init; }

    /// <summary>Whether columns have scales, shared by all rows.</summary>
    public bool HasColumnScales { get; init; }

    /// <summary>Whether scales are stored in eight bits.</summary>
    public bool HasByteScales { get; init; } = true;

    /// <summary>The pattern of weights that are kept; null: all.</summary>
    public NOfM? Pattern { get; init; }

    /// <summary>Magnitudes of salient columns.</summary>
    public int SalientLevels => 2 * SalientGroups;

    /// <summary>All magnitudes.</summary>
    public int Levels => SalientLevels + PlainGroups;
}
