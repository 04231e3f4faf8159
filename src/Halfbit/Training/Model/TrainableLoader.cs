using System.Numerics;
using Halfbit.Checkpoints;

namespace Halfbit.Training;

/// <summary>Builds a model that can be trained from its config; tensor names as in HF.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class TrainableLoader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const double OptEpsilon = 1e-5;
    private const int OptPositionOffset = 2;
    private readonly IParameterSource<T> source;
    private readonly List<Parameter<T>> parameters = [];

    private readonly Func<string, ParameterRole, bool> isTrained;

    private TrainableLoader(IParameterSource<T> source, Func<string, ParameterRole, bool> isTrained)
    {
        (this.source, this.isTrained) = (source, isTrained);
    }

    /// <summary>Builds the model.</summary>
    /// <param name="config">Its sizes and options.</param>
    /// <param name="source">Where values come from.</param>
    /// <param name="isTrained">Says of a tensor's name and role whether it is trained; null: all are.</param>
    /// <param name="prefix">In front of OPT's tensor names, <c>model.decoder.</c> or <c>decoder.</c></param>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape, or the model type is not known.</exception>
    public static TrainableModel<T> Load(ModelConfig config, IParameterSource<T> source, Func<string, ParameterRole, bool>? isTrained = null, string prefix = "model.decoder.") => config switch
    {
        LlamaConfig llama => new TrainableLoader<T>(source, isTrained ?? ((_, _) => true)).LoadLlama(llama),
        OptConfig opt => new TrainableLoader<T>(source, isTrained ?? ((_, _) => true)).LoadOpt(opt, prefix),
        _ => throw new CheckpointException($"{config.Path}: model_type '{config.ModelType}' cannot be trained; expected one of {string.Join(", ", ModelConfig.KnownModelTypes)}"),
    };

    private TrainableModel<T> LoadLlama(LlamaConfig config)
    {
        Parameter<T> tokens = Table("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        var tables = new Dictionary<int, RotaryTable<T>>();
        TrainableBlock<T>[] blocks = [.. Enumerable.Range(0, config.LayerCount).Select(l => LoadLlamaBlock(config, l, Rotary))];
        NormUnit<T> norm = Rms("model.norm", config);
        return new TrainableModel<T>(
            config, parameters, new TrainableEmbedding<T>(tokens, projection: null, positions: null, 0), blocks, norm, outputProjection: null,
            config.TiesEmbeddings ? new LinearUnit<T>("lm_head", tokens, bias: null) : Linear("lm_head", config.VocabularySize, config.HiddenSize));

        RotaryTable<T> Rotary(int length)
        {
            if (!tables.TryGetValue(length, out RotaryTable<T>? table)) tables[length] = table = new RotaryTable<T>(config.Rope, config.HeadSize, length);
            return table;
        }
    }

    private TrainableLlamaBlock<T> LoadLlamaBlock(LlamaConfig config, int layer, Func<int, RotaryTable<T>> rotary)
    {
        string name = FormattableString.Invariant($"model.layers.{layer}.");
        int hidden = config.HiddenSize;
        int queries = config.HeadCount * config.HeadSize;
        int keys = config.KeyValueHeadCount * config.HeadSize;
        var attention = new TrainableAttention<T>(
            Linear(name + "self_attn.q_proj", queries, hidden, config.HasQueryKeyValueBias),
            Linear(name + "self_attn.k_proj", keys, hidden, config.HasQueryKeyValueBias),
            Linear(name + "self_attn.v_proj", keys, hidden, config.HasQueryKeyValueBias),
            Linear(name + "self_attn.o_proj", hidden, queries, config.HasAttentionOutputBias, ParameterRole.ResidualLinear),
            length => new AttentionShape(length, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, config.WindowOf(layer)),
            rotary);
        return new TrainableLlamaBlock<T>(
            Rms(name + "input_layernorm", config),
            attention,
            Rms(name + "post_attention_layernorm", config),
            Linear(name + "mlp.gate_proj", config.FeedForwardSize, hidden, config.HasFeedForwardBias),
            Linear(name + "mlp.up_proj", config.FeedForwardSize, hidden, config.HasFeedForwardBias),
            Linear(name + "mlp.down_proj", hidden, config.FeedForwardSize, config.HasFeedForwardBias, ParameterRole.ResidualLinear));
    }

    private TrainableModel<T> LoadOpt(OptConfig config, string prefix)
    {
        bool isProjected = config.EmbeddingSize != config.HiddenSize;
        Parameter<T> tokens = Table(prefix + "embed_tokens.weight", config.VocabularySize, config.EmbeddingSize);
        Parameter<T> positions = Table(prefix + "embed_positions.weight", config.MaxPositions + OptPositionOffset, config.HiddenSize);
        LinearUnit<T>? projection = isProjected ? Linear(prefix + "project_in", config.HiddenSize, config.EmbeddingSize) : null;
        TrainableBlock<T>[] blocks = [.. Enumerable.Range(0, config.LayerCount).Select(l => LoadOptBlock(config, FormattableString.Invariant($"{prefix}layers.{l}.")))];
        return new TrainableModel<T>(
            config, parameters, new TrainableEmbedding<T>(tokens, projection, positions, OptPositionOffset), blocks,
            config.HasFinalNorm ? Layer(prefix + "final_layer_norm", config) : null,
            isProjected ? Linear(prefix + "project_out", config.EmbeddingSize, config.HiddenSize) : null,
            config.TiesEmbeddings ? new LinearUnit<T>("lm_head", tokens, bias: null) : Linear("lm_head", config.VocabularySize, config.EmbeddingSize));
    }

    private TrainableOptBlock<T> LoadOptBlock(OptConfig config, string name)
    {
        int hidden = config.HiddenSize;
        var attention = new TrainableAttention<T>(
            Linear(name + "self_attn.q_proj", hidden, hidden, config.HasBias),
            Linear(name + "self_attn.k_proj", hidden, hidden, config.HasBias),
            Linear(name + "self_attn.v_proj", hidden, hidden, config.HasBias),
            Linear(name + "self_attn.out_proj", hidden, hidden, config.HasBias, ParameterRole.ResidualLinear),
            length => new AttentionShape(length, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, Window: null),
            rotary: null);
        return new TrainableOptBlock<T>(
            config.NormalizesBefore,
            Layer(name + "self_attn_layer_norm", config),
            attention,
            Layer(name + "final_layer_norm", config),
            Linear(name + "fc1", config.FeedForwardSize, hidden, config.HasBias),
            config.Activation,
            Linear(name + "fc2", hidden, config.FeedForwardSize, config.HasBias, ParameterRole.ResidualLinear));
    }

    private NormUnit<T> Rms(string name, LlamaConfig config) => NormUnit<T>.Rms(Vector(name + ".weight", config.HiddenSize, ParameterRole.NormWeight), config.NormEpsilon);

    private NormUnit<T> Layer(string name, OptConfig config) => config.HasNormParameters
        ? NormUnit<T>.Layer(Vector(name + ".weight", config.HiddenSize, ParameterRole.NormWeight), Vector(name + ".bias", config.HiddenSize, ParameterRole.Bias), OptEpsilon)
        : NormUnit<T>.Layer(weight: null, bias: null, OptEpsilon);

    private LinearUnit<T> Linear(string name, int rows, int columns, bool hasBias = false, ParameterRole role = ParameterRole.Linear)
        => new(name, Add(name + ".weight", [rows, columns], role), hasBias ? Vector(name + ".bias", rows, ParameterRole.Bias) : null);

    private Parameter<T> Table(string name, int rows, int columns) => Add(name, [rows, columns], ParameterRole.Table);

    private Parameter<T> Vector(string name, int length, ParameterRole role) => Add(name, [length], role);

    private Parameter<T> Add(string name, ReadOnlySpan<long> shape, ParameterRole role)
    {
        var parameter = new Parameter<T>(name, source.Take(name, shape, role)) { IsTrained = isTrained(name, role), IsVector = shape.Length == 1, Decays = role is ParameterRole.Linear or ParameterRole.ResidualLinear };
        parameters.Add(parameter);
        return parameter;
    }
}
