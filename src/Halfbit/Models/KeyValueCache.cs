using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>How keys and values are kept.</summary>
public enum CachePrecision
{
    /// <summary>Single precision.</summary>
    Full,

    /// <summary>Eight bits, with a scale for each position and head: a quarter of the memory.</summary>
    EightBits,
}

/// <summary>Keys and values of one sequence for all layers, so that a new token costs one row. Capacity fixed at creation.</summary>
/// <remarks>
/// Keys are stored transposed, [head size, capacity] per layer and head: then the scores of one query and of many are the same product,
/// vectorised across keys, and the same bits. Values are [capacity, head size]. In eight bits a number is scale · q, |q| ≤ 127; the scales multiply scores and
/// weights of positions, so that attention widens the q alone.
/// </remarks>
public sealed class KeyValueCache
{
    private const float Largest = 127f;
    private readonly int headSize;
    private readonly int stride;
    private readonly Plane[] keys;
    private readonly Plane[] values;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">Blocks of the model.</param>
    /// <param name="headCount">Key and value heads.</param>
    /// <param name="headSize">Features per head.</param>
    /// <param name="capacity">Positions that fit.</param>
    /// <param name="precision">How numbers are kept.</param>
    /// <exception cref="ArgumentException">The keys of a layer are more numbers than an array holds.</exception>
    public KeyValueCache(int layers, int headCount, int headSize, int capacity, CachePrecision precision = CachePrecision.Full)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        this.headSize = headSize;
        Capacity = capacity;
        Precision = precision;

        // A power of two between rows would send a column of keys to few cache sets.
        stride = (capacity + 15) / 16 * 16;
        if (stride % 256 == 0) stride += 16;
        long numbers = (long)headCount * headSize * stride;
        if (numbers > Array.MaxLength)
            throw new ArgumentException($"a cache of {capacity} positions needs {numbers} numbers for the keys of each block, at most {Array.MaxLength} fit; lower the context length or the number of new tokens", nameof(capacity));
        keys = [.. Enumerable.Range(0, layers).Select(_ => new Plane(precision, headCount, headSize * stride, capacity))];
        values = [.. Enumerable.Range(0, layers).Select(_ => new Plane(precision, headCount, capacity * headSize, capacity))];
    }

    /// <summary>Positions that fit.</summary>
    public int Capacity { get; }

    /// <summary>How numbers are kept.</summary>
    public CachePrecision Precision { get; }

    /// <summary>Positions that are filled; the next token gets this position.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes of keys and values at full capacity.</summary>
    public long ByteCount => keys.Sum(k => k.ByteCount) + values.Sum(v => v.ByteCount);

    /// <summary>Forgets everything.</summary>
    public void Reset() => Length = 0;

    /// <summary>Forgets positions from <paramref name="length"/> on.</summary>
    /// <param name="length">0 to <see cref="Length"/>.</param>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>Keys of one head at some positions, transposed: [head size, positions]; without <see cref="KeyScales"/>. Valid until the thread asks for others.</summary>
    internal MatrixView<float> KeysTransposed(int layer, int head, ColumnRange positions)
    {
        if (keys[layer].Numbers is float[] numbers) return new MatrixView<float>(numbers.AsSpan(head * headSize * stride, headSize * stride), headSize, Capacity, stride)[positions];
        var wide = new MatrixView<float>(ThreadScratch.Cached(headSize * Capacity)[..(headSize * positions.Count)], headSize, positions.Count);
        for (int i = 0; i < headSize; i++)
            TensorPrimitives.ConvertTruncating<sbyte, float>(keys[layer].Codes.AsSpan((((head * headSize) + i) * stride) + positions.Start, positions.Count), wide.Row(i));
        return wide;
    }

    /// <summary>Values of one head at some positions: [positions, head size]; without <see cref="ValueScales"/>. Valid until the thread asks for others.</summary>
    internal MatrixView<float> Values(int layer, int head, ColumnRange positions)
    {
        int start = ((head * Capacity) + positions.Start) * headSize;
        int count = positions.Count * headSize;
        if (values[layer].Numbers is float[] numbers) return new MatrixView<float>(numbers.AsSpan(start, count), positions.Count, headSize);
        Span<float> wide = ThreadScratch.Cached(headSize * Capacity)[..count]; // as much as ever needed, so that growing texts allocate nothing
        TensorPrimitives.ConvertTruncating<sbyte, float>(values[layer].Codes.AsSpan(start, count), wide);
        return new MatrixView<float>(wide, positions.Count, headSize);
    }

    /// <summary>[positions], what the scores of keys are multiplied by; empty: 1.</summary>
    internal ReadOnlySpan<float> KeyScales(int layer, int head, ColumnRange positions) => ScalesOf(keys[layer], head, positions);

    /// <summary>[positions], what the weights of values are multiplied by; empty: 1.</summary>
    internal ReadOnlySpan<float> ValueScales(int layer, int head, ColumnRange positions) => ScalesOf(values[layer], head, positions);

    /// <summary>Stores the keys and values of positions [<paramref name="position"/>, position + K.Rows) of one head.</summary>
    /// <param name="layer">Block, 0-based.</param>
    /// <param name="head">Key and value head, 0-based.</param>
    /// <param name="position">First position.</param>
    /// <param name="K">[count, head size].</param>
    /// <param name="V">[count, head size].</param>
    internal void Store(int layer, int head, int position, MatrixView<float> K, MatrixView<float> V)
    {
        for (int t = 0; t < K.Rows; t++)
        {
            int at = position + t;
            StoreRow(keys[layer], head, at, K.Row(t), (head * headSize * stride) + at, stride);
            StoreRow(values[layer], head, at, V.Row(t), ((head * Capacity) + at) * headSize, 1);
        }
    }

    /// <summary>Counts positions as filled, after all layers have stored them.</summary>
    internal void Advance(int count) => Length += count;

    private void StoreRow(Plane plane, int head, int position, ReadOnlySpan<float> row, int start, int step)
    {
        if (plane.Numbers is float[] numbers)
        {
            for (int i = 0; i < row.Length; i++) numbers[start + (i * step)] = row[i];
            return;
        }

        float scale = MathF.Abs(TensorPrimitives.MaxMagnitude(row)) / Largest;
        plane.Scales![(head * Capacity) + position] = scale;
        for (int i = 0; i < row.Length; i++) plane.Codes![start + (i * step)] = scale > 0 ? (sbyte)MathF.Round(row[i] / scale) : (sbyte)0;
    }

    private ReadOnlySpan<float> ScalesOf(Plane plane, int head, ColumnRange positions)
        => plane.Scales is null ? [] : plane.Scales.AsSpan((head * Capacity) + positions.Start, positions.Count);

    /// <summary>The keys or the values of a layer.</summary>
    private sealed class Plane
    {
        public Plane(CachePrecision precision, int heads, int numbersPerHead, int capacity)
        {
            int count = checked(heads * numbersPerHead);
            if (precision == CachePrecision.Full)
            {
                Numbers = new float[count];
                return;
            }

            Codes = new sbyte[count];
            Scales = new float[heads * capacity];
        }

        public float[]? Numbers { get; }

        public sbyte[]? Codes { get; }

        public float[]? Scales { get; }

        public long ByteCount => (4L * (Numbers?.Length ?? 0)) + (Codes?.Length ?? 0) + (4L * (Scales?.Length ?? 0));
    }
}
