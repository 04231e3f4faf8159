using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>A language model: embedding → blocks → final norm → head. The same object runs whole windows, prompts in pieces and many sequences at once, and can be walked block by block.</summary>
/// <remarks>
/// Weights stay where they are (mapped files, packed bits) and are expanded tile by tile. A row's result has the same bits whatever else is
/// in the batch, however its sequence was cut into pieces, and for any number of threads. One pass at a time: workspaces are shared.
/// </remarks>
public sealed class Decoder
{
    private readonly Embedding embedding;
    private readonly Workspace workspace;

    internal Decoder(ModelConfig config, Embedding embedding, IReadOnlyList<DecoderBlock> blocks, LinearLayer head, Workspace workspace)
    {
        Config = config;
        Blocks = blocks;
        Head = head;
        this.embedding = embedding;
        this.workspace = workspace;
    }

    /// <summary>Sizes and options of the model.</summary>
    public ModelConfig Config { get; }

    /// <summary>The blocks, first to last.</summary>
    public IReadOnlyList<DecoderBlock> Blocks { get; }

    /// <summary>The token table, [vocabulary, embedding size]; tied models multiply by it in the head, too.</summary>
    public IWeightRows TokenEmbedding => embedding.Tokens;

    /// <summary>The norm after the last block, or null (OPT 350m).</summary>
    public Norm? FinalNorm { get; internal init; }

    /// <summary>Projection from the hidden size to that of the token table, or null.</summary>
    public LinearLayer? OutputProjection { get; internal init; }

    /// <summary>The layer that gives one logit per token id.</summary>
    public LinearLayer Head { get; }

    /// <summary>Tokens of a sequence that the model can run at all: its learned positions; null where positions are computed.</summary>
    public int? PositionLimit => embedding.PositionLimit;

    /// <summary>Loads a model; tensors stay in the files.</summary>
    /// <param name="checkpoint">Must stay open as long as the decoder is used.</param>
    /// <param name="weights">Where matrices come from if not from the checkpoint's tensors, e.g. packed ones; null answers mean the checkpoint.</param>
    /// <exception cref="CheckpointException">The config is wrong, or a tensor is missing or has another shape than the config implies.</exception>
    public static Decoder Open(Checkpoint checkpoint, WeightSource? weights = null) => ModelLoader.Load(checkpoint, weights);

    /// <summary>An empty cache for one sequence.</summary>
    /// <param name="capacity">Positions that fit.</param>
    /// <param name="precision">How keys and values are kept.</param>
    public KeyValueCache NewCache(int capacity, CachePrecision precision = CachePrecision.Full)
        => new(Config.LayerCount, Config.KeyValueHeadCount, Config.HeadSize, capacity, precision);

    /// <summary>First step of a walk: tokens to hidden state.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="hidden">[≥ rows, hidden size], destination.</param>
    /// <exception cref="ArgumentException">A token id is outside the vocabulary, or a position outside the learned ones.</exception>
    public void Embed(SequenceBatch batch, Matrix hidden)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(hidden);
        if (batch.RowCount == 0) throw new ArgumentException("the batch has no tokens", nameof(batch));
        if (hidden.Columns != Config.HiddenSize || hidden.Rows < batch.RowCount)
            throw new ArgumentException($"a hidden state [{hidden.Rows}, {hidden.Columns}] does not hold {batch.RowCount} rows of {Config.HiddenSize}", nameof(hidden));
        embedding.Apply(batch, hidden, workspace);
    }

    /// <summary>Embedding and all blocks; caches in the batch are filled and advanced.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="cancellation">Looked at before each block. A pass that is given up leaves all caches at their length.</param>
    /// <returns>[≥ rows, hidden size], output of the last block; valid until the next pass of this decoder.</returns>
    /// <exception cref="ArgumentException">As in <see cref="Embed"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Matrix Forward(SequenceBatch batch, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Matrix hidden = workspace.Take("hidden", batch.RowCount, Config.HiddenSize);
        Embed(batch, hidden);
        for (int b = 0; b < Blocks.Count; b++)
        {
            cancellation.ThrowIfCancellationRequested();
            Blocks[b].Forward(hidden, batch);
        }

        batch.AdvanceCaches();
        return hidden;
    }

    /// <summary>Last step: final norm and head for some rows.</summary>
    /// <param name="hidden">[rows, hidden size], output of the last block; unchanged.</param>
    /// <param name="rows">Indices of the rows whose logits are wanted.</param>
    /// <param name="logits">[≥ number of rows, vocabulary], destination.</param>
    public void Logits(Matrix hidden, ReadOnlySpan<int> rows, Matrix logits)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        ArgumentNullException.ThrowIfNull(logits);
        Matrix normalized = workspace.Take("final", rows.Length, hidden.Columns);
        for (int t = 0; t < rows.Length; t++) hidden.Row(rows[t]).CopyTo(normalized.Row(t));
        FinalNorm?.Apply(normalized, normalized, rows.Length);
        if (OutputProjection is not null)
        {
            Matrix projected = workspace.Take("projected", rows.Length, OutputProjection.Rows);
            OutputProjection.Apply(normalized, projected, rows.Length);
            normalized = projected;
        }

        Head.Apply(normalized, logits, rows.Length);
    }

    /// <summary>Final norm and head for consecutive rows; call it piece by piece where [rows, vocabulary] is large.</summary>
    /// <param name="hidden">[rows, hidden size], output of the last block; unchanged.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="logits">[≥ count, vocabulary], destination.</param>
    public void Logits(Matrix hidden, int firstRow, int count, Matrix logits)
    {
        int[] rows = [.. Enumerable.Range(firstRow, count)];
        Logits(hidden, rows, logits);
    }

    /// <summary>Logits of every position of one sequence.</summary>
    /// <param name="tokens">Token ids, at least one.</param>
    /// <returns>[tokens, vocabulary].</returns>
    public Matrix Logits(ReadOnlySpan<int> tokens)
    {
        Matrix hidden = Forward(new SequenceBatch(tokens));
        var logits = new Matrix(tokens.Length, Config.VocabularySize);
        Logits(hidden, 0, tokens.Length, logits);
        return logits;
    }

    /// <summary>Gives the pages of one block's tensors back to the system.</summary>
    /// <param name="block">0-based.</param>
    public void ReleaseBlock(int block) => Blocks[block].Release();
}
