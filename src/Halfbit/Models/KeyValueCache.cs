using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>Keys and values of one sequence for all layers, so that a new token costs one row. Single precision, capacity fixed at creation.</summary>
/// <remarks>
/// Keys are stored transposed, [head size, capacity] per layer and head: then the scores of one query and of many are the same product,
/// vectorised across keys, and the same bits. Values are [capacity, head size].
/// </remarks>
public sealed class KeyValueCache
{
    private readonly int headSize;
    private readonly int headCount;
    private readonly int stride;
    private readonly float[][] keys;
    private readonly float[][] values;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">Blocks of the model.</param>
    /// <param name="headCount">Key and value heads.</param>
    /// <param name="headSize">Features per head.</param>
    /// <param name="capacity">Positions that fit.</param>
    public KeyValueCache(int layers, int headCount, int headSize, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        this.headSize = headSize;
        this.headCount = headCount;
        Capacity = capacity;

        // A power of two between rows would send a column of keys to few cache sets.
        stride = (capacity + 15) / 16 * 16;
        if (stride % 256 == 0) stride += 16;
        keys = new float[layers][];
        values = new float[layers][];
        for (int l = 0; l < layers; l++)
        {
            keys[l] = new float[checked(headCount * headSize * stride)];
            values[l] = new float[checked(headCount * capacity * headSize)];
        }
    }

    /// <summary>Positions that fit.</summary>
    public int Capacity { get; }

    /// <summary>Positions that are filled; the next token gets this position.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes of keys and values at full capacity.</summary>
    public long ByteCount => 4L * keys.Length * ((long)headCount * headSize * stride + ((long)headCount * Capacity * headSize));

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

    /// <summary>Keys of one head, transposed: [head size, capacity].</summary>
    internal MatrixView<float> KeysTransposed(int layer, int head)
        => new(keys[layer].AsSpan(head * headSize * stride, headSize * stride), headSize, Capacity, stride);

    /// <summary>Values of one head: [capacity, head size].</summary>
    internal MatrixView<float> Values(int layer, int head)
        => new(values[layer].AsSpan(head * Capacity * headSize, Capacity * headSize), Capacity, headSize);

    /// <summary>Stores the keys and values of positions [<paramref name="position"/>, position + K.Rows) of one head.</summary>
    /// <param name="layer">Block, 0-based.</param>
    /// <param name="head">Key and value head, 0-based.</param>
    /// <param name="position">First position.</param>
    /// <param name="K">[count, head size].</param>
    /// <param name="V">[count, head size].</param>
    internal void Store(int layer, int head, int position, MatrixView<float> K, MatrixView<float> V)
    {
        MatrixView<float> keysTransposed = KeysTransposed(layer, head);
        for (int i = 0; i < headSize; i++)
        {
            Span<float> destination = keysTransposed.Row(i).Slice(position, K.Rows);
            for (int t = 0; t < destination.Length; t++) destination[t] = K[t, i];
        }

        V.CopyTo(Values(layer, head).RowRange(position, V.Rows));
    }

    /// <summary>Counts positions as filled, after all layers have stored them.</summary>
    internal void Advance(int count) => Length += count;
}
