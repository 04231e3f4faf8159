namespace Halfbit.Pipeline;

/// <summary>What a job is doing.</summary>
public enum QuantizationStage
{
    /// <summary>Generating or tokenizing the calibration text.</summary>
    Calibration,

    /// <summary>Running calibration sequences through blocks that an earlier run has finished.</summary>
    Replay,

    /// <summary>Collecting Hessians of a block.</summary>
    Statistics,

    /// <summary>A layer was quantized.</summary>
    Layer,

    /// <summary>Running calibration sequences through the compressed block.</summary>
    Propagation,

    /// <summary>A block is stored.</summary>
    Block,

    /// <summary>Running calibration sequences through the original model, for a method that plans its options layer by layer.</summary>
    Survey,
}

/// <summary>A step of a job.</summary>
/// <param name="Stage">What happened.</param>
/// <param name="Block">0-based block, -1 before the first.</param>
/// <param name="Blocks">Number of blocks.</param>
/// <param name="Done">Sequences done in this stage; with <see cref="QuantizationStage.Layer"/>, layers done in the block.</param>
/// <param name="Total">Out of how many.</param>
/// <param name="Layer">The layer that was quantized, or null.</param>
public readonly record struct QuantizationProgress(QuantizationStage Stage, int Block, int Blocks, int Done, int Total, LayerRecord? Layer = null);
