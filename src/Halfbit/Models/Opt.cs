using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>
/// A block of OPT (arXiv 2205.01068): h ← h + Wₒ·attention(Wq·n, Wk·n, Wv·n) with n = norm(h), then h ← h + W₂·act(W₁·m) with m = norm(h).
/// The 350m size normalises after each sum instead of before each part.
/// </summary>
/// <remarks>HF scales the queries by 1/√d after their bias; here the scores are scaled, which differs by rounding only.</remarks>
internal sealed class OptBlock : DecoderBlock
{
    private const float NormEpsilon = 1e-5f;

    /// <summary>Rows of the position table in front of position 0.</summary>
    private const int PositionOffset = 2;

    private readonly bool normalizesBefore;
    private readonly Norm attentionNorm;
    private readonly Norm feedForwardNorm;
    private readonly LinearLayer query;
    private readonly LinearLayer key;
    private readonly LinearLayer value;
    private readonly LinearLayer output;
    private readonly LinearLayer first;
    private readonly LinearLayer second;
    private readonly OptActivation activation;
    private readonly Attention attention;
    private readonly Workspace workspace;

    private OptBlock(OptConfig config, int layer, Workspace workspace, Norm[] norms, LinearLayer[] linears, TensorSource source)
        : base(
            layer,
            [new LinearGroup(0, linears[..3]), new LinearGroup(1, linears[3..4]), new LinearGroup(2, linears[4..5]), new LinearGroup(3, linears[5..6])],
            source.Used)
    {
        normalizesBefore = config.NormalizesBefore;
        (attentionNorm, feedForwardNorm) = (norms[0], norms[1]);
        (query, key, value, output) = (linears[0], linears[1], linears[2], linears[3]);
        (first, second) = (linears[4], linears[5]);
        activation = config.Activation;
        attention = new Attention(layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, window: null);
        this.workspace = workspace;
    }

    /// <inheritdoc/>
    public override void Forward(Matrix hidden, SequenceBatch batch, IInputObserver? observer = null)
    {
        int rows = batch.RowCount;
        Matrix normalized = normalizesBefore ? workspace.Take("normalized", rows, hidden.Columns) : hidden;
        Matrix Q = workspace.Take("queries", rows, query.Rows);
        Matrix K = workspace.Take("keys", rows, key.Rows);
        Matrix V = workspace.Take("values", rows, value.Rows);
        Matrix mixed = workspace.Take("mixed", rows, output.Columns);
        Matrix change = workspace.Take("change", rows, hidden.Columns);

        if (normalizesBefore) attentionNorm.Apply(hidden, normalized, rows);
        Show(observer, 0, normalized, rows);
        query.Apply(normalized, Q, rows);
        key.Apply(normalized, K, rows);
        value.Apply(normalized, V, rows);
        attention.Apply(Q, K, V, mixed, batch);
        Show(observer, 1, mixed, rows);
        output.Apply(mixed, change, rows);
        AddTo(hidden, change, rows);
        if (!normalizesBefore) attentionNorm.Apply(hidden, hidden, rows);

        Matrix raised = workspace.Take("raised", rows, first.Rows);
        if (normalizesBefore) feedForwardNorm.Apply(hidden, normalized, rows);
        Show(observer, 2, normalized, rows);
        first.Apply(normalized, raised, rows);
        SteadyLoop.For(rows, Grain.Of(first.Rows), (Block: this, Raised: raised), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) s.Block.Activate(s.Raised.Row(t));
        });
        Show(observer, 3, raised, rows);
        second.Apply(raised, change, rows);
        AddTo(hidden, change, rows);
        if (!normalizesBefore) feedForwardNorm.Apply(hidden, hidden, rows);
    }

    /// <summary>The whole model; tensor names as in HF, with or without the leading <c>model.</c></summary>
    internal static Decoder Load(OptConfig config, TensorSource source)
    {
        string prefix = !source.Has("model.decoder.embed_positions.weight") && source.Has("decoder.embed_positions.weight") ? "decoder." : "model.decoder.";
        var workspace = new Workspace();
        bool isProjected = config.EmbeddingSize != config.HiddenSize;
        var embedding = new Embedding(
            source.Table(prefix + "embed_tokens.weight", config.VocabularySize, config.EmbeddingSize),
            source.Table(prefix + "embed_positions.weight", config.MaxPositions + PositionOffset, config.HiddenSize),
            PositionOffset,
            isProjected ? source.Linear(prefix + "project_in", config.HiddenSize, config.EmbeddingSize) : null);
        var blocks = new DecoderBlock[config.LayerCount];
        for (int l = 0; l < blocks.Length; l++)
            blocks[l] = LoadBlock(config, FormattableString.Invariant($"{prefix}layers.{l}."), l, workspace, source.Fresh());
        LinearLayer head = config.TiesEmbeddings
            ? new LinearLayer("lm_head", embedding.Tokens)
            : source.Linear("lm_head", config.VocabularySize, config.EmbeddingSize);
        return new Decoder(config, embedding, blocks, head, workspace)
        {
            FinalNorm = config.HasFinalNorm ? LoadNorm(config, prefix + "final_layer_norm", source) : null,
            OutputProjection = isProjected ? source.Linear(prefix + "project_out", config.EmbeddingSize, config.HiddenSize) : null,
        };
    }

    private static OptBlock LoadBlock(OptConfig config, string name, int layer, Workspace workspace, TensorSource source)
    {
        int hidden = config.HiddenSize;
        Norm[] norms =
        [
            LoadNorm(config, name + "self_attn_layer_norm", source),
            LoadNorm(config, name + "final_layer_norm", source),
        ];
        LinearLayer[] linears =
        [
            source.Linear(name + "self_attn.q_proj", hidden, hidden, config.HasBias),
            source.Linear(name + "self_attn.k_proj", hidden, hidden, config.HasBias),
            source.Linear(name + "self_attn.v_proj", hidden, hidden, config.HasBias),
            source.Linear(name + "self_attn.out_proj", hidden, hidden, config.HasBias),
            source.Linear(name + "fc1", config.FeedForwardSize, hidden, config.HasBias),
            source.Linear(name + "fc2", hidden, config.FeedForwardSize, config.HasBias),
        ];
        return new OptBlock(config, layer, workspace, norms, linears, source);
    }

    private static LayerNorm LoadNorm(OptConfig config, string name, TensorSource source)
        => config.HasNormParameters
            ? new LayerNorm(source.Vector(name + ".weight", config.HiddenSize), source.Vector(name + ".bias", config.HiddenSize), NormEpsilon)
            : new LayerNorm(null, null, NormEpsilon);

    private void Activate(Span<float> x)
    {
        if (activation == OptActivation.Gelu) Activations.Gelu(x);
        else Activations.Relu(x);
    }
}
