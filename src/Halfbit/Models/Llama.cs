using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>
/// A block of LLaMA 1 to 3 (arXiv 2302.13971, 2307.09288, 2407.21783), Mistral (2310.06825) and Qwen2 (2407.10671):
/// h ← h + Wₒ·attention(rope(Wq·n), rope(Wk·n), Wv·n) with n = rms(h), then h ← h + W_down·(silu(W_gate·m) ⊙ W_up·m) with m = rms(h).
/// </summary>
internal sealed class LlamaBlock : DecoderBlock
{
    private readonly Norm inputNorm;
    private readonly Norm feedForwardNorm;
    private readonly LinearLayer query;
    private readonly LinearLayer key;
    private readonly LinearLayer value;
    private readonly LinearLayer output;
    private readonly LinearLayer gate;
    private readonly LinearLayer up;
    private readonly LinearLayer down;
    private readonly Attention attention;
    private readonly RotaryEmbedding rotary;
    private readonly Workspace workspace;

    private LlamaBlock(LlamaConfig config, int layer, RotaryEmbedding rotary, Workspace workspace, Norm[] norms, LinearLayer[] linears, TensorSource source)
        : base(
            layer,
            [new LinearGroup(0, linears[..3]), new LinearGroup(1, linears[3..4]), new LinearGroup(2, linears[4..6]), new LinearGroup(3, linears[6..7])],
            source.Used)
    {
        (inputNorm, feedForwardNorm) = (norms[0], norms[1]);
        (query, key, value, output) = (linears[0], linears[1], linears[2], linears[3]);
        (gate, up, down) = (linears[4], linears[5], linears[6]);
        attention = new Attention(layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, config.WindowOf(layer));
        this.rotary = rotary;
        this.workspace = workspace;
    }

    /// <inheritdoc/>
    public override void Forward(Matrix hidden, SequenceBatch batch, IInputObserver? observer = null)
    {
        int rows = batch.RowCount;
        Matrix normalized = workspace.Take("normalized", rows, hidden.Columns);
        Matrix Q = workspace.Take("queries", rows, query.Rows);
        Matrix K = workspace.Take("keys", rows, key.Rows);
        Matrix V = workspace.Take("values", rows, value.Rows);
        Matrix mixed = workspace.Take("mixed", rows, output.Columns);
        Matrix change = workspace.Take("change", rows, hidden.Columns);

        inputNorm.Apply(hidden, normalized, rows);
        Show(observer, 0, normalized, rows);
        query.Apply(normalized, Q, rows);
        key.Apply(normalized, K, rows);
        value.Apply(normalized, V, rows);
        rotary.Reserve(batch.PositionCount);
        rotary.Apply(Q, batch.Positions);
        rotary.Apply(K, batch.Positions);
        attention.Apply(Q, K, V, mixed, batch);
        Show(observer, 1, mixed, rows);
        output.Apply(mixed, change, rows);
        AddTo(hidden, change, rows);

        Matrix gated = workspace.Take("gated", rows, gate.Rows);
        Matrix raised = workspace.Take("raised", rows, up.Rows);
        feedForwardNorm.Apply(hidden, normalized, rows);
        Show(observer, 2, normalized, rows);
        gate.Apply(normalized, gated, rows);
        up.Apply(normalized, raised, rows);
        SteadyLoop.For(rows, Grain.Of(gate.Rows), (Gated: gated, Raised: raised), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) Activations.GatedSilu(s.Gated.Row(t), s.Raised.Row(t));
        });
        Show(observer, 3, gated, rows);
        down.Apply(gated, change, rows);
        AddTo(hidden, change, rows);
    }

    /// <summary>The whole model; tensor names as in HF.</summary>
    internal static Decoder Load(LlamaConfig config, TensorSource source)
    {
        var workspace = new Workspace();
        var rotary = new RotaryEmbedding(config.Rope, config.HeadSize);
        var embedding = new Embedding(source.Table("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize), positions: null, 0, projection: null);
        var blocks = new DecoderBlock[config.LayerCount];
        for (int l = 0; l < blocks.Length; l++) blocks[l] = LoadBlock(config, l, rotary, workspace, source.Fresh());
        LinearLayer head = config.TiesEmbeddings
            ? new LinearLayer("lm_head", embedding.Tokens)
            : source.Linear("lm_head", config.VocabularySize, config.HiddenSize);
        return new Decoder(config, embedding, blocks, head, workspace)
        {
            FinalNorm = new RmsNorm(source.Vector("model.norm.weight", config.HiddenSize), config.NormEpsilon),
        };
    }

    private static LlamaBlock LoadBlock(LlamaConfig config, int layer, RotaryEmbedding rotary, Workspace workspace, TensorSource source)
    {
        string name = FormattableString.Invariant($"model.layers.{layer}.");
        int hidden = config.HiddenSize;
        int queries = config.HeadCount * config.HeadSize;
        int keys = config.KeyValueHeadCount * config.HeadSize;
        Norm[] norms =
        [
            new RmsNorm(source.Vector(name + "input_layernorm.weight", hidden), config.NormEpsilon),
            new RmsNorm(source.Vector(name + "post_attention_layernorm.weight", hidden), config.NormEpsilon),
        ];
        LinearLayer[] linears =
        [
            source.Linear(name + "self_attn.q_proj", queries, hidden, config.HasQueryKeyValueBias),
            source.Linear(name + "self_attn.k_proj", keys, hidden, config.HasQueryKeyValueBias),
            source.Linear(name + "self_attn.v_proj", keys, hidden, config.HasQueryKeyValueBias),
            source.Linear(name + "self_attn.o_proj", hidden, queries, config.HasAttentionOutputBias),
            source.Linear(name + "mlp.gate_proj", config.FeedForwardSize, hidden, config.HasFeedForwardBias),
            source.Linear(name + "mlp.up_proj", config.FeedForwardSize, hidden, config.HasFeedForwardBias),
            source.Linear(name + "mlp.down_proj", hidden, config.FeedForwardSize, config.HasFeedForwardBias),
        ];
        return new LlamaBlock(config, layer, rotary, workspace, norms, linears, source);
    }
}
