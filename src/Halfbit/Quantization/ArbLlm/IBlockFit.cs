namespace Halfbit.Quantization.ArbLlm;

/// <summary>Fits the levels of the groups of a block.</summary>
internal interface IBlockFit
{
    /// <summary>Fits one group.</summary>
    /// <param name="block">The block.</param>
    /// <param name="group">Which group.</param>
    /// <param name="levels">Receives its levels and signs.</param>
    void Fit(ArbBlock block, int group, BlockLevels levels);
}
