using System.Text.Json;

namespace Halfbit.Checkpoints;

/// <summary>What config.json says about a model: the sizes that every family has; each family adds its own.</summary>
public abstract record ModelConfig
{
    /// <summary>The families that can be read: values of <c>model_type</c>.</summary>
    public static readonly IReadOnlyList<string> KnownModelTypes = ["llama", "mistral", "qwen2", "opt"];

    private protected ModelConfig(ModelConfigFields fields)
    {
        Path = fields.Path;
        ModelType = fields.OneOf("model_type", [.. KnownModelTypes]);
        VocabularySize = fields.Integer("vocab_size");
        HiddenSize = fields.Integer("hidden_size");
        LayerCount = fields.Integer("num_hidden_layers");
        HeadCount = fields.Integer("num_attention_heads");
        MaxPositions = fields.Integer("max_position_embeddings");
        BosTokenIds = fields.TokenIds("bos_token_id", VocabularySize);
        EosTokenIds = fields.TokenIds("eos_token_id", VocabularySize);
        QuantizationConfig = fields.Object("quantization_config") is null ? null : fields.Find("quantization_config")?.Clone();
    }

    /// <summary>The file that was read.</summary>
    public string Path { get; }

    /// <summary><c>model_type</c>: the family.</summary>
    public string ModelType { get; }

    /// <summary><c>vocab_size</c>: token ids are 0 to this minus 1.</summary>
    public int VocabularySize { get; }

    /// <summary><c>hidden_size</c>: features of the hidden state.</summary>
    public int HiddenSize { get; }

    /// <summary><c>num_hidden_layers</c>: number of blocks.</summary>
    public int LayerCount { get; }

    /// <summary><c>num_attention_heads</c>: query heads.</summary>
    public int HeadCount { get; }

    /// <summary>Key and value heads; divides <see cref="HeadCount"/>.</summary>
    public int KeyValueHeadCount { get; private protected init; }

    /// <summary>Features of one head.</summary>
    public int HeadSize { get; private protected init; }

    /// <summary>Features between the two linear layers of a feed-forward part.</summary>
    public int FeedForwardSize { get; private protected init; }

    /// <summary><c>max_position_embeddings</c>: the context length that the model was made for, in tokens.</summary>
    public int MaxPositions { get; }

    /// <summary><c>tie_word_embeddings</c>: whether logits use the embedding matrix.</summary>
    public bool TiesEmbeddings { get; private protected init; }

    /// <summary><c>bos_token_id</c>: the id that starts a sequence, or null.</summary>
    public int? BosTokenId => BosTokenIds.Count > 0 ? BosTokenIds[0] : null;

    /// <summary><c>eos_token_id</c>: the ids that end a sequence; none, one or several.</summary>
    public IReadOnlyList<int> EosTokenIds { get; }

    /// <summary><c>quantization_config</c> as it stands in the file, or null.</summary>
    public JsonElement? QuantizationConfig { get; }

    private IReadOnlyList<int> BosTokenIds { get; }

    /// <summary>Reads and checks config.json.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="CheckpointException">The file is missing or damaged, the family is unknown, a field is missing or wrong, or numbers contradict each other.</exception>
    public static ModelConfig Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read ({exception.Message.ReplaceLineEndings(" ")}); a model folder needs its config.json", exception);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new CheckpointException($"{path}: the file holds a JSON {document.RootElement.ValueKind}, expected an object; it is no model config");
            return Of(new ModelConfigFields(path, string.Empty, document.RootElement));
        }
        catch (JsonException exception)
        {
            throw new CheckpointException($"{path}: not valid JSON ({exception.Message.ReplaceLineEndings(" ")}); fetch the file again", exception);
        }
    }

    private static ModelConfig Of(ModelConfigFields fields)
        => fields.OneOf("model_type", [.. KnownModelTypes]) switch
        {
            "opt" => new OptConfig(fields),
            _ => new LlamaConfig(fields),
        };

    /// <summary>hidden_size ÷ num_attention_heads, which must be whole.</summary>
    private protected int HeadSizeFromHidden(ModelConfigFields fields)
    {
        if (HiddenSize % HeadCount != 0)
            throw fields.Contradiction($"hidden_size {HiddenSize} is no multiple of num_attention_heads {HeadCount} and no head_dim is given");
        return HiddenSize / HeadCount;
    }
}
