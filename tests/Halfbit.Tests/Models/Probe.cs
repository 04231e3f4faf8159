using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Models;

/// <summary>A tiny model of one architecture, opened for one test.</summary>
internal sealed class Probe : IDisposable
{
    private readonly Checkpoint checkpoint;

    public Probe(string name, WeightSource? weights = null)
    {
        string folder = TestData.AnyPath("models", "probes", name);
        checkpoint = Checkpoint.Open(folder);
        Decoder = Decoder.Open(checkpoint, weights);
        Ids = ModelReference.OfProbe(Path.Combine(folder, "reference.json")).Ids;
    }

    public Decoder Decoder { get; }

    /// <summary>64 token ids.</summary>
    public int[] Ids { get; }

    public void Dispose() => checkpoint.Dispose();
}

/// <summary>Seeded random matrices.</summary>
internal static class RandomMatrix
{
    public static Matrix Create(int rows, int columns, int seed)
    {
        var random = new PythonRandom(seed);
        var matrix = new Matrix(rows, columns);
        for (int i = 0; i < matrix.Data.Length; i++) matrix.Data[i] = (float)((random.NextDouble() * 2) - 1);
        return matrix;
    }
}
