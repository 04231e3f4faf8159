using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>One block of columns on its way through error feedback.</summary>
/// <param name="Index">Number of the block, from 0.</param>
/// <param name="Columns">Its columns in the matrix.</param>
/// <param name="U">[w, w], upper triangular: the part of U with H⁻¹ = Uᵀ·U that belongs to the block. Null without statistics.</param>
internal sealed record ColumnBlock(int Index, ColumnRange Columns, Matrix? U);

/// <summary>Quantizes all columns of a block at once; remembers the codes it chose.</summary>
internal interface IBlockQuantizer
{
    /// <summary>Replaces the weights of a block by their quantized values.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="W">[rows, n], the whole matrix; in the block's columns the current weights, with the compensation of all blocks before, on return the quantized values.</param>
    void Quantize(ColumnBlock block, Matrix W);
}
