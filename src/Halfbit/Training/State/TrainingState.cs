using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Training;

/// <summary>
/// The whole state of a training run in one safetensors file: latent weights, moments and masks as tensors; position, options and a hash of the data as JSON in the header.
/// A run that goes on from it computes the same bits as one that was never stopped.
/// </summary>
/// <remarks>One file, written under a temporary name and renamed when complete: after a crash the last complete state is there, never a mixture of two.</remarks>
internal static class TrainingState
{
    /// <summary>Key of the JSON text in the file's metadata.</summary>
    public const string MetadataKey = "halfbit.training";

    private const string Remedy = "train again from the start, or fetch the state again";

    /// <summary>All tensors of a run: trained values, moments, and what the weight forms keep.</summary>
    /// <param name="parameters">All parameters; those that are not trained come from the original checkpoint and are left out.</param>
    /// <param name="optimizer">Their optimizer.</param>
    /// <param name="forms">The form of a parameter's weights; null: plain.</param>
    public static List<StateTensor> Tensors<T>(IReadOnlyList<Parameter<T>> parameters, AdamW<T> optimizer, Func<Parameter<T>, IWeightForm<T>?>? forms = null)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        var tensors = new List<StateTensor>();
        foreach (Parameter<T> parameter in parameters.Where(p => p.IsTrained))
        {
            tensors.Add(StateTensor.Of("value." + parameter.Name, parameter.Value));
            if (forms?.Invoke(parameter) is IWeightForm<T> form) tensors.AddRange(form.State(parameter.Name));
        }

        tensors.AddRange(optimizer.State());
        return tensors;
    }

    /// <summary>Writes a state.</summary>
    /// <param name="path">The file; replaced when it exists, its folder must exist.</param>
    /// <param name="tensors">All tensors of the run.</param>
    /// <param name="position">How far the run is.</param>
    /// <param name="options">Everything that decides the result: model, data, method, learning rate, seed.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<StateTensor> tensors, TrainingPosition position, JsonObject options)
    {
        using var writer = new SafetensorsWriter(path, [.. tensors.Select(t => t.Declaration)], new Dictionary<string, string>
        {
            [MetadataKey] = TrainingStateJson.Of(position, options, Hash(tensors)).ToJsonString(),
        });
        foreach (StateTensor tensor in tensors)
        {
            foreach ((int start, int count) in Pieces(tensor)) writer.Write(tensor.Bytes(start, count));
        }

        writer.Complete();
    }

    /// <summary>Reads a state into the places that its tensors name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">All tensors of the run, as they were given to <see cref="Write"/>. Receive the file's values; half-read after an error.</param>
    /// <param name="options">Options of this run; must be those of the run that wrote the file.</param>
    /// <returns>How far the run was.</returns>
    /// <exception cref="CheckpointException">The file is missing, damaged, of another model, or of a run with other options.</exception>
    public static TrainingPosition Read(string path, IReadOnlyList<StateTensor> tensors, JsonObject options)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        TrainingStateJson json = TrainingStateJson.Parse(path, file.Metadata.GetValueOrDefault(MetadataKey));
        json.CheckOptions(path, options);
        foreach (StateTensor tensor in tensors) CheckDeclaration(path, file, tensor.Declaration);
        if (file.Tensors.Count != tensors.Count)
        {
            string extra = file.Tensors.Select(t => t.Name).Except(tensors.Select(t => t.Declaration.Name), StringComparer.Ordinal).First();
            throw new CheckpointException($"{path}: tensor '{extra}' does not belong to this run; the state is of another model, {Remedy}");
        }

        foreach (StateTensor tensor in tensors)
        {
            MappedTensor source = file.TryFind(tensor.Declaration.Name)!;
            int size = ElementTypes.SizeOf(source.Type);
            foreach ((int start, int count) in Pieces(tensor)) source.Bytes((long)start * size, count * size).CopyTo(tensor.Bytes(start, count));
            source.Release();
            int bad = tensor.FirstNotFinite();
            if (bad >= 0) throw new CheckpointException($"{path}: tensor '{tensor.Declaration.Name}' holds a value that is not finite at element {bad}; the state is damaged, {Remedy}");
        }

        if (Hash(tensors) != json.DataHash) throw new CheckpointException($"{path}: the data do not match 'sha256' of the header; the state is damaged, {Remedy}");
        return json.Position;
    }

    private static void CheckDeclaration(string path, SafetensorsFile file, TensorDeclaration expected)
    {
        MappedTensor tensor = file.TryFind(expected.Name)
            ?? throw new CheckpointException($"{path}: tensor '{expected.Name}' is missing; the state is of another model, {Remedy}");
        if (tensor.Type != expected.Type || !tensor.Shape.SequenceEqual(expected.Shape))
        {
            throw new CheckpointException($"{path}: tensor '{expected.Name}' is {tensor.Type} {tensor.ShapeText}, expected {expected.Type} [{string.Join(", ", expected.Shape)}]; "
                + $"the state is of another model, {Remedy}");
        }
    }

    private static string Hash(IEnumerable<StateTensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (StateTensor tensor in tensors)
        {
            foreach ((int start, int count) in Pieces(tensor)) hash.AppendData(tensor.Bytes(start, count));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<(int Start, int Count)> Pieces(StateTensor tensor)
    {
        for (long start = 0; start < tensor.Length; start += StateTensor.PieceElements)
            yield return ((int)start, (int)Math.Min(StateTensor.PieceElements, tensor.Length - start));
    }
}
