using System.Numerics.Tensors;
using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>A linear layer Y = X·Wᵀ + b whose weights may be dense, in a file or packed: they multiply by themselves where they can, or are expanded tile by tile.</summary>
public sealed class LinearLayer
{
    /// <summary>Weights of a tile when few rows of X meet each weight: the tile stays in the second-level cache.</summary>
    private const int SmallTile = 1 << 15;

    /// <summary>Weights of a tile when many rows of X meet each weight: the product inside has a good shape.</summary>
    private const int LargeTile = 1 << 21;

    /// <summary>Multiply-adds below which threads cost more than they bring.</summary>
    private const long SerialWork = 1 << 16;

    /// <summary>Bytes of a file seen at a time; below 2³¹.</summary>
    private const int MostBytes = 1 << 30;

    private IWeightRows weights;

    /// <summary>A layer.</summary>
    /// <param name="name">Its name in the checkpoint, without <c>.weight</c>.</param>
    /// <param name="weights">[out, in].</param>
    /// <param name="bias">[out], or null.</param>
    public LinearLayer(string name, IWeightRows weights, float[]? bias = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (bias is not null && bias.Length != weights.Rows)
            throw new ArgumentException($"{name}: {bias.Length} biases for {weights.Rows} outputs", nameof(bias));
        Name = name;
        Bias = bias;
        Rows = weights.Rows;
        Columns = weights.Columns;
        this.weights = weights;
    }

    /// <summary>Name in the checkpoint, without <c>.weight</c>, e.g. <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public string Name { get; }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Input features.</summary>
    public int Columns { get; }

    /// <summary>[out] or null.</summary>
    public float[]? Bias { get; }

    /// <summary>[out, in]; can be replaced by another matrix of the same shape, but not while the layer is applied.</summary>
    /// <exception cref="ArgumentException">The new matrix has another shape.</exception>
    public IWeightRows Weights
    {
        get => weights;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Rows != Rows || value.Columns != Columns)
                throw new ArgumentException($"{Name}: weights [{value.Rows}, {value.Columns}] cannot replace [{Rows}, {Columns}]", nameof(value));
            weights = value;
        }
    }

    /// <summary>Y ← X·Wᵀ + b.</summary>
    /// <param name="X">[≥ rows, in].</param>
    /// <param name="Y">[≥ rows, out]; not <paramref name="X"/>.</param>
    /// <param name="rows">Rows to compute.</param>
    /// <remarks>An output has the same bits whatever else is computed with it, and for any number of threads: one chain of fused multiply-adds, or what <see cref="IWeightProduct"/> says.</remarks>
    public void Apply(Matrix X, Matrix Y, int rows)
    {
        ArgumentNullException.ThrowIfNull(X);
        ArgumentNullException.ThrowIfNull(Y);
        if (X.Columns != Columns || Y.Columns != Rows || X.Rows < rows || Y.Rows < rows)
            throw new ArgumentException($"{Name}: [{X.Rows}, {X.Columns}] and [{Y.Rows}, {Y.Columns}] do not fit {rows} rows of a layer [{Rows}, {Columns}]");
        if (weights is IWeightProduct product)
        {
            MatrixView<float> outputs = Y.View.RowRange(0, rows);
            product.MultiplyTransposed(X.View.RowRange(0, rows), outputs);
            AddBias(outputs, new ColumnRange(0, Rows));
            return;
        }

        if (rows <= HalfProduct.MaxRows && weights is MappedTensor { Type: ElementType.F16 or ElementType.BF16 } tensor && TryMultiplyStored(tensor, X.View.RowRange(0, rows), Y.View.RowRange(0, rows)))
        {
            AddBias(Y.View.RowRange(0, rows), new ColumnRange(0, Rows));
            return;
        }

        int tile = TileRows(rows);
        int piece = (long)rows * Rows * Columns < SerialWork ? Rows : Math.Min(tile, Share(Rows, RowParallel.Threads));
        SteadyLoop.For(Rows, piece, (Layer: this, X, Y, rows, tile), static (s, start, end) =>
        {
            for (int i = start; i < end; i += s.tile) s.Layer.ApplyTile(s.X, s.Y, s.rows, new ColumnRange(i, Math.Min(i + s.tile, end)));
        });
    }

    /// <summary>Few rows and 16-bit weights in a file: they are widened on their way, with the bits of the general form; false where that cannot be.</summary>
    private static bool TryMultiplyStored(MappedTensor tensor, MatrixView<float> X, MatrixView<float> Y)
    {
        HalfFormat format = tensor.Type == ElementType.F16 ? HalfFormat.Half : HalfFormat.BFloat16;
        int rowBytes = sizeof(ushort) * X.Columns;
        int most = Math.Max(1, MostBytes / rowBytes);
        for (int i = 0; i < Y.Columns; i += most)
        {
            var outputs = new ColumnRange(i, Math.Min(i + most, Y.Columns));
            if (!HalfProduct.TryMultiplyTransposed(X, tensor.Bytes((long)i * rowBytes, outputs.Count * rowBytes), format, Y[outputs])) return false;
        }

        return true;
    }

    /// <summary>The outputs of some rows of W.</summary>
    private void ApplyTile(Matrix X, Matrix Y, int rows, ColumnRange outputs)
    {
        MatrixView<float> Yt = Y.View.RowRange(0, rows)[outputs];
        DenseProduct.MultiplyTransposed(X.View.RowRange(0, rows), Expand(outputs), Yt);
        AddBias(Yt, outputs);
    }

    private void AddBias(MatrixView<float> Y, ColumnRange outputs)
    {
        if (Bias is null) return;
        ReadOnlySpan<float> bias = Bias.AsSpan(outputs.Start, outputs.Count);
        for (int t = 0; t < Y.Rows; t++) TensorPrimitives.Add(Y.Row(t), bias, Y.Row(t));
    }

    private MatrixView<float> Expand(ColumnRange outputs)
    {
        if (weights is Matrix dense) return dense.View.RowRange(outputs.Start, outputs.Count);
        var tile = new MatrixView<float>(ThreadScratch.Weights(outputs.Count * Columns), outputs.Count, Columns);
        weights.ReadRows(outputs.Start, tile);
        return tile;
    }

    private int TileRows(int rows)
    {
        int size = rows < 32 ? SmallTile : LargeTile;
        return Math.Clamp(size / Columns / 16 * 16, 16, 512);
    }

    /// <summary>An equal share of the outputs for each thread, in multiples of 16.</summary>
    private static int Share(int count, int threads) => (((count + threads - 1) / threads) + 15) / 16 * 16;
}
