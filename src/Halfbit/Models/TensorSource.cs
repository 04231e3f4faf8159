using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>Where the matrix of a tensor name comes from, or null for the checkpoint's own tensor of that name.</summary>
/// <param name="name">Tensor name with <c>.weight</c>.</param>
/// <param name="rows">Rows that the config implies.</param>
/// <param name="columns">Columns that the config implies.</param>
public delegate IWeightRows? WeightSource(string name, int rows, int columns);

/// <summary>Finds the tensors of one part of a model and remembers which files' pages they use.</summary>
internal sealed class TensorSource(Checkpoint checkpoint, WeightSource? weights)
{
    private readonly List<MappedTensor> used = [];

    /// <summary>Tensors found so far, in the order of the requests.</summary>
    public IReadOnlyList<MappedTensor> Used => used;

    /// <summary>A source without memory for another part of the model.</summary>
    public TensorSource Fresh() => new(checkpoint, weights);

    /// <summary>Whether the checkpoint itself holds the tensor.</summary>
    public bool Has(string name) => checkpoint.TryFind(name) is not null;

    /// <summary>A linear layer.</summary>
    /// <param name="name">Name without <c>.weight</c>.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="hasBias">Whether <c>.bias</c> belongs to it.</param>
    public LinearLayer Linear(string name, int rows, int columns, bool hasBias = false)
        => new(name, Table(name + ".weight", rows, columns), hasBias ? Vector(name + ".bias", rows) : null);

    /// <summary>A matrix that is expanded row by row.</summary>
    public IWeightRows Table(string name, int rows, int columns)
    {
        if (weights?.Invoke(name, rows, columns) is not IWeightRows other) return Find(name, rows, columns);
        if (other.Rows != rows || other.Columns != columns)
            throw new CheckpointException($"{checkpoint.Folder}: weights of '{name}' have shape [{other.Rows}, {other.Columns}], config.json implies [{rows}, {columns}]; the file may belong to another model");
        return other;
    }

    /// <summary>A vector in memory.</summary>
    public float[] Vector(string name, int length) => Find(name, length).ReadAll();

    private MappedTensor Find(string name, params ReadOnlySpan<long> shape)
    {
        MappedTensor tensor = checkpoint.Find(name, shape);
        if (!ElementTypes.IsWeight(tensor.Type))
            throw new CheckpointException($"{tensor.FilePath}: tensor '{name}' has type {tensor.Type}, expected F32, F16 or BF16; convert the checkpoint first");
        used.Add(tensor);
        return tensor;
    }
}
