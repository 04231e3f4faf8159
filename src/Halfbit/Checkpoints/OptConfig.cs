namespace Halfbit.Checkpoints;

/// <summary>The activation function between the two linear layers of an OPT feed-forward part.</summary>
public enum OptActivation
{
    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x·Φ(x) with the exact normal distribution function.</summary>
    Gelu,
}

/// <summary>The config of OPT: learned positions, LayerNorm with biases, before (most sizes) or after (350m) each part.</summary>
public sealed record OptConfig : ModelConfig
{
    internal OptConfig(ModelConfigFields fields)
        : base(fields)
    {
        FeedForwardSize = fields.Integer("ffn_dim");
        KeyValueHeadCount = HeadCount;
        HeadSize = HeadSizeFromHidden(fields);
        TiesEmbeddings = fields.Flag("tie_word_embeddings", true);
        EmbeddingSize = fields.IntegerOrNull("word_embed_proj_dim") ?? HiddenSize;
        NormalizesBefore = fields.Flag("do_layer_norm_before", true);
        HasFinalNorm = NormalizesBefore && !fields.Flag("_remove_final_layer_norm", false);
        HasBias = fields.Flag("enable_bias", true);
        HasNormParameters = fields.Flag("layer_norm_elementwise_affine", true);
        Activation = fields.OneOf("activation_function", ["relu", "gelu"], absent: "relu") == "gelu" ? OptActivation.Gelu : OptActivation.Relu;
    }

    /// <summary><c>word_embed_proj_dim</c>: features of the token embedding; projected where it is not the hidden size.</summary>
    public int EmbeddingSize { get; }

    /// <summary><c>do_layer_norm_before</c>: whether norms stand before attention and feed-forward instead of after their sums.</summary>
    public bool NormalizesBefore { get; }

    /// <summary>Whether a norm follows the last block.</summary>
    public bool HasFinalNorm { get; }

    /// <summary><c>enable_bias</c>: whether the linear layers of the blocks have biases.</summary>
    public bool HasBias { get; }

    /// <summary><c>layer_norm_elementwise_affine</c>: whether norms have weights and biases.</summary>
    public bool HasNormParameters { get; }

    /// <summary><c>activation_function</c>.</summary>
    public OptActivation Activation { get; }
}
