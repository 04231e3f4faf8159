namespace Halfbit.Quantization.ArbLlm;

/// <summary>How the groups of a block are searched.</summary>
/// <param name="FewestSalient">Smallest number of salient columns that is tried.</param>
/// <param name="HasMeans">Whether the binarization inside the search has means.</param>
/// <param name="CountsExcluded">Whether weights outside the set that is split count as zeros among the quantiles.</param>
/// <param name="CarriesBest">Whether a later split must also beat the error of the earlier ones, else it takes the lowest threshold.</param>
internal readonly record struct PartitionRules(int FewestSalient, bool HasMeans, bool CountsExcluded, bool CarriesBest)
{
    /// <summary>As the released program has it.</summary>
    public static PartitionRules Released { get; } = new(1, HasMeans: true, CountsExcluded: true, CarriesBest: true);
}
