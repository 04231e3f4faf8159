using Halfbit.Checkpoints;

namespace Halfbit.Models;

/// <summary>Checkpoint → decoder: the config chooses the family, the family names its tensors.</summary>
internal static class ModelLoader
{
    /// <summary>Loads a model; see <see cref="Decoder.Open"/>.</summary>
    public static Decoder Load(Checkpoint checkpoint, WeightSource? weights)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var source = new TensorSource(checkpoint, weights);
        return ModelConfig.Read(checkpoint.ConfigPath) switch
        {
            LlamaConfig llama => LlamaBlock.Load(llama, source),
            OptConfig opt => OptBlock.Load(opt, source),
            ModelConfig other => throw new CheckpointException($"{other.Path}: model_type '{other.ModelType}' cannot be run; expected one of {string.Join(", ", ModelConfig.KnownModelTypes)}"),
        };
    }
}
