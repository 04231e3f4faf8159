using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Where the first values of parameters come from.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal interface IParameterSource<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Values of a tensor.</summary>
    /// <param name="name">Its name in the checkpoint.</param>
    /// <param name="shape">[rows, columns], or [n] for a vector.</param>
    /// <param name="role">What it is for.</param>
    Matrix<T> Take(string name, ReadOnlySpan<long> shape, ParameterRole role);
}

/// <summary>What a parameter is for; decides its first values and whether it decays.</summary>
internal enum ParameterRole
{
    /// <summary>Weights of a linear layer.</summary>
    Linear,

    /// <summary>Weights of a linear layer that adds to the residual stream.</summary>
    ResidualLinear,

    /// <summary>Rows by token or position.</summary>
    Table,

    /// <summary>Factors of a norm, 1 at first.</summary>
    NormWeight,

    /// <summary>What is added, 0 at first.</summary>
    Bias,
}

/// <summary>The tensors of a checkpoint.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="checkpoint">Open while values are taken.</param>
internal sealed class CheckpointParameters<T>(Checkpoint checkpoint) : IParameterSource<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    /// <exception cref="CheckpointException">The tensor is missing, or has another shape or type.</exception>
    public Matrix<T> Take(string name, ReadOnlySpan<long> shape, ParameterRole role)
    {
        MappedTensor tensor = checkpoint.Find(name, shape);
        if (!ElementTypes.IsWeight(tensor.Type))
            throw new CheckpointException($"{tensor.FilePath}: tensor '{name}' has type {tensor.Type}, expected F32, F16 or BF16; training needs the original model");
        float[] values = tensor.ReadAll();
        var matrix = shape.Length == 1 ? new Matrix<T>(1, values.Length) : new Matrix<T>((int)shape[0], (int)shape[1]);
        for (int k = 0; k < values.Length; k++) matrix.Data[k] = T.CreateChecked(values[k]);
        return matrix;
    }
}

/// <summary>Normal numbers for weights, with the deviation of GPT-2: 0.02, less for layers that add to the residual stream; each tensor has its own seed, made of the name.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="seed">The seed.</param>
/// <param name="layers">Blocks of the model.</param>
internal sealed class RandomParameters<T>(long seed, int layers) : IParameterSource<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const double Deviation = 0.02;

    /// <inheritdoc/>
    public Matrix<T> Take(string name, ReadOnlySpan<long> shape, ParameterRole role)
    {
        var matrix = shape.Length == 1 ? new Matrix<T>(1, (int)shape[0]) : new Matrix<T>((int)shape[0], (int)shape[1]);
        if (role == ParameterRole.Bias) return matrix;
        if (role == ParameterRole.NormWeight)
        {
            Array.Fill(matrix.Data, T.One);
            return matrix;
        }

        double deviation = role == ParameterRole.ResidualLinear ? Deviation / Math.Sqrt(2.0 * layers) : Deviation;
        var random = new Random(SeedOf(name));
        for (int k = 0; k < matrix.Data.Length; k++) matrix.Data[k] = T.CreateChecked((float)(deviation * Normal(random)));
        return matrix;
    }

    /// <summary>FNV-1a of seed and name: the same on every machine.</summary>
    private int SeedOf(string name)
    {
        uint hash = 2166136261 ^ (uint)seed;
        if (seed >> 32 != 0) hash = ((hash * 16777619) ^ (uint)(seed >> 32)) * 16777619;
        foreach (char c in name) hash = (hash ^ c) * 16777619;
        return (int)(hash & int.MaxValue);
    }

    /// <summary>Box and Muller's transformation.</summary>
    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
