namespace Halfbit.Checkpoints;

/// <summary>
/// The config of the LLaMA family: pre-norm blocks with RMSNorm, rotary positions and a gated feed-forward part.
/// Mistral adds a sliding window; Qwen2 adds biases on queries, keys and values, and a window on its upper layers.
/// </summary>
public sealed record LlamaConfig : ModelConfig
{
    /// <summary>The window that Mistral and Qwen2 configs mean when they do not name one, as in HF's configuration classes.</summary>
    private const int DefaultSlidingWindow = 4096;

    private readonly bool[] isWindowed;

    internal LlamaConfig(ModelConfigFields fields)
        : base(fields)
    {
        fields.OneOf("hidden_act", ["silu"], absent: "silu");
        FeedForwardSize = fields.Integer("intermediate_size");
        KeyValueHeadCount = fields.IntegerOrNull("num_key_value_heads") ?? HeadCount;
        if (HeadCount % KeyValueHeadCount != 0)
            throw fields.Contradiction($"num_attention_heads {HeadCount} is no multiple of num_key_value_heads {KeyValueHeadCount}");
        HeadSize = fields.IntegerOrNull("head_dim") ?? HeadSizeFromHidden(fields);
        if ((long)HeadCount * HeadSize > ModelConfigFields.Largest)
            throw fields.Contradiction($"num_attention_heads {HeadCount} times head_dim {HeadSize} is above {ModelConfigFields.Largest}");
        if (HeadSize % 2 != 0) throw fields.Contradiction($"the head size {HeadSize} is odd; rotary positions need an even one");
        NormEpsilon = (float)fields.PositiveNumber("rms_norm_eps", 1e-6);
        TiesEmbeddings = fields.Flag("tie_word_embeddings", false);
        Rope = RopeConfig.Read(fields);

        bool hasAttentionBias = ModelType == "llama" && fields.Flag("attention_bias", false);
        HasQueryKeyValueBias = hasAttentionBias || ModelType == "qwen2";
        HasAttentionOutputBias = hasAttentionBias;
        HasFeedForwardBias = ModelType == "llama" && fields.Flag("mlp_bias", false);

        isWindowed = new bool[LayerCount];
        SlidingWindow = ModelType switch
        {
            "mistral" => fields.IsWritten("sliding_window") ? fields.IntegerOrNull("sliding_window") : DefaultSlidingWindow,
            "qwen2" when fields.Flag("use_sliding_window", false) =>
                fields.IsWritten("sliding_window") ? fields.IntegerOrNull("sliding_window") : DefaultSlidingWindow,
            _ => null,
        };
        if (SlidingWindow is not null) MarkWindowedLayers(fields);
    }

    /// <summary><c>rms_norm_eps</c>, added to the mean square.</summary>
    public float NormEpsilon { get; }

    /// <summary>Rotary positions.</summary>
    public RopeConfig Rope { get; }

    /// <summary>Whether q_proj, k_proj and v_proj have biases.</summary>
    public bool HasQueryKeyValueBias { get; }

    /// <summary>Whether o_proj has a bias.</summary>
    public bool HasAttentionOutputBias { get; }

    /// <summary>Whether gate_proj, up_proj and down_proj have biases.</summary>
    public bool HasFeedForwardBias { get; }

    /// <summary>Keys that a query of a windowed layer sees, itself included; null where no layer has a window.</summary>
    public int? SlidingWindow { get; }

    /// <summary>The window of one layer, in keys; null: every earlier key is seen.</summary>
    /// <param name="layer">0-based.</param>
    public int? WindowOf(int layer) => isWindowed[layer] ? SlidingWindow : null;

    /// <summary>Mistral: every layer. Qwen2: those that layer_types names, else the layers from max_window_layers on.</summary>
    private void MarkWindowedLayers(ModelConfigFields fields)
    {
        if (ModelType == "mistral")
        {
            Array.Fill(isWindowed, true);
            return;
        }

        if (fields.TextsOrNull("layer_types") is IReadOnlyList<string> types)
        {
            if (types.Count != LayerCount || types.Any(t => t is not ("full_attention" or "sliding_attention")))
                throw fields.Wrong("layer_types", fields.Find("layer_types")!.Value, "full_attention or sliding_attention for each layer");
            for (int l = 0; l < LayerCount; l++) isWindowed[l] = types[l] == "sliding_attention";
            return;
        }

        int first = fields.IntegerOrNull("max_window_layers", 0) ?? 28;
        for (int l = first; l < LayerCount; l++) isWindowed[l] = true;
    }
}
