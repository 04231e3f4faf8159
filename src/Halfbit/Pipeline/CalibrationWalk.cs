using Halfbit.Calibration;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Pipeline;

/// <summary>All calibration sequences on their way through the blocks of a model, side by side.</summary>
internal sealed class CalibrationWalk : IDisposable
{
    private readonly Decoder decoder;
    private readonly CalibrationSet calibration;
    private readonly HiddenStates states;
    private readonly Action<QuantizationProgress> report;
    private readonly CancellationToken cancellation;

    /// <summary>The sequences, embedded, before the first block.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="calibration">The sequences.</param>
    /// <param name="scratchPath">Path of a scratch file, used when the hidden states are large and removed at the end.</param>
    /// <param name="report">Told about every sequence.</param>
    /// <param name="cancellation">Looked at before every sequence.</param>
    public CalibrationWalk(Decoder decoder, CalibrationSet calibration, string scratchPath, Action<QuantizationProgress> report, CancellationToken cancellation)
    {
        this.decoder = decoder;
        this.calibration = calibration;
        this.report = report;
        this.cancellation = cancellation;
        states = new HiddenStates(calibration.Sequences.Count, calibration.SequenceLength, decoder.Config.HiddenSize, scratchPath);
        var hidden = new Matrix(calibration.SequenceLength, decoder.Config.HiddenSize);
        for (int s = 0; s < calibration.Sequences.Count; s++)
        {
            decoder.Embed(new SequenceBatch(calibration.Sequences[s]), hidden);
            states.Store(s, hidden);
        }
    }

    /// <summary>The sequences' tokens.</summary>
    public IReadOnlyList<int[]> Sequences => calibration.Sequences;

    /// <summary>Runs every sequence through a block, only to look at the inputs of its linear layers: the next call starts from the same place.</summary>
    public void Look(DecoderBlock block, IInputObserver observer, QuantizationStage stage) => Run(block, observer, stage, goesOn: false);

    /// <summary>Runs every sequence through a block; its outputs are the inputs of the next call.</summary>
    public void Pass(DecoderBlock block, IInputObserver? observer, QuantizationStage stage) => Run(block, observer, stage, goesOn: true);

    /// <inheritdoc/>
    public void Dispose() => states.Dispose();

    private void Run(DecoderBlock block, IInputObserver? observer, QuantizationStage stage, bool goesOn)
    {
        var hidden = new Matrix(calibration.SequenceLength, decoder.Config.HiddenSize);
        for (int s = 0; s < states.Count; s++)
        {
            cancellation.ThrowIfCancellationRequested();
            states.Load(s, hidden);
            block.Forward(hidden, new SequenceBatch(calibration.Sequences[s]), observer);
            if (goesOn) states.Store(s, hidden);
            report(new QuantizationProgress(stage, block.Index, decoder.Blocks.Count, s + 1, states.Count));
        }
    }
}
