using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>The two 16-bit storage types of weights.</summary>
internal enum HalfFormat
{
    /// <summary>IEEE half precision.</summary>
    Half,

    /// <summary>The upper half of single precision.</summary>
    BFloat16,
}

/// <summary>Y ← X·Wᵀ for few rows of X and weights of 16 bits, which are widened in registers: memory is read once and nothing is written but Y.</summary>
/// <remarks>
/// Squares of 16-bit weights are transposed as pairs of columns, so that a lane is a row of W and every output is one chain of fused
/// multiply-adds in ascending order of the inner index: the bits of <see cref="DenseProduct"/> with widened weights. Half-precision weights
/// enter 2¹¹² times too small (their exponent keeps its bits, not its bias), activations as much too large; both are exact.
/// </remarks>
internal sealed unsafe class HalfProduct
{
    /// <summary>Rows of X up to which this form is used.</summary>
    public const int MaxRows = 8;

    /// <summary>Rows of W that run beside each other: more than one chain of additions for each row of X.</summary>
    public const int GroupRows = 32;

    /// <summary>Activations from here on would not be finite when scaled; those that are not finite are left to the general form.</summary>
    private const float LargestActivation = 32768f;

    /// <summary>Weights for which a piece of the loop is made: few enough to share the work evenly, many enough to be worth a piece.</summary>
    private const long PieceWeights = 1 << 19;

    /// <summary>Multiply-adds below which threads cost more than they bring.</summary>
    private const long SerialWork = 1 << 15;

    [ThreadStatic]
    private static HalfProduct? idle;

    private readonly Action<int, int> computeGroups;
    private readonly AlignedBuffer bufferX = new();
    private IHalfSquares squares = null!;
    private HalfFormat format;
    private ushort* weights;
    private int outputs;
    private int depth;
    private int wholeDepth;
    private float* x;
    private nint xStride;
    private int height;
    private float* packedX;
    private float* y;
    private nint yStride;

    private HalfProduct() => computeGroups = ComputeGroups;

    /// <summary>Computes the product where this machine and these activations allow; else leaves Y as it is.</summary>
    /// <param name="X">[t, k].</param>
    /// <param name="W">[n, k] in 16 bits each, row-major.</param>
    /// <param name="format">What the 16 bits are.</param>
    /// <param name="Y">[t, n], destination.</param>
    /// <returns>Whether Y was written: not for more than <see cref="MaxRows"/> rows, activations of 32768 and more, or without AVX2.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static bool TryMultiplyTransposed(MatrixView<float> X, ReadOnlySpan<byte> W, HalfFormat format, MatrixView<float> Y)
        => X.Rows <= MaxRows && DenseBackend.Current is TiledBackend && HalfSquares.Of(DenseKernel.Current.Name) is IHalfSquares squares
            && TryMultiplyTransposed(squares, X, W, format, Y);

    /// <summary>As above, with a chosen kernel.</summary>
    internal static bool TryMultiplyTransposed(IHalfSquares squares, MatrixView<float> X, ReadOnlySpan<byte> W, HalfFormat format, MatrixView<float> Y)
    {
        CheckShapes(X, W, Y);
        for (int t = 0; t < X.Rows; t++)
        {
            // a maximum that is not a number fails the comparison, too
            if (!X.Row(t).IsEmpty && !(MathF.Abs(TensorPrimitives.MaxMagnitude((ReadOnlySpan<float>)X.Row(t))) < LargestActivation)) return false;
        }

        HalfProduct product = idle ?? new HalfProduct();
        idle = null;
        fixed (float* x = &MemoryMarshal.GetReference(X.Data), y = &MemoryMarshal.GetReference(Y.Data))
        fixed (byte* weights = &MemoryMarshal.GetReference(W))
        {
            (product.squares, product.format) = (squares, format);
            (product.outputs, product.depth, product.height) = (Y.Columns, X.Columns, X.Rows);
            (product.xStride, product.yStride) = (X.Stride, Y.Stride);
            product.weights = (ushort*)weights;
            product.x = x;
            product.y = y;
            product.Compute();
        }

        idle = product;
        return true;
    }

    /// <summary>The definition: every weight widened, every output one chain.</summary>
    /// <inheritdoc cref="TryMultiplyTransposed(MatrixView{float}, ReadOnlySpan{byte}, HalfFormat, MatrixView{float})"/>
    internal static void Define(MatrixView<float> X, ReadOnlySpan<byte> W, HalfFormat format, MatrixView<float> Y)
    {
        CheckShapes(X, W, Y);
        ReadOnlySpan<ushort> weights = MemoryMarshal.Cast<byte, ushort>(W);
        for (int t = 0; t < X.Rows; t++)
        {
            for (int i = 0; i < Y.Columns; i++)
            {
                float sum = 0;
                for (int k = 0; k < X.Columns; k++) sum = MathF.FusedMultiplyAdd(X[t, k], Widen(weights[(i * X.Columns) + k], format), sum);
                Y[t, i] = sum;
            }
        }
    }

    private static float Widen(ushort bits, HalfFormat format)
        => format == HalfFormat.Half ? (float)BitConverter.UInt16BitsToHalf(bits) : BitConverter.UInt32BitsToSingle((uint)bits << 16);

    private static void CheckShapes(MatrixView<float> X, ReadOnlySpan<byte> W, MatrixView<float> Y)
    {
        if (X.Rows != Y.Rows || W.Length != sizeof(ushort) * (long)X.Columns * Y.Columns)
            throw new ArgumentException($"Y [{Y.Rows}, {Y.Columns}] is not the shape of X [{X.Rows}, {X.Columns}] · Wᵀ with {W.Length} bytes of W");
    }

    private void Compute()
    {
        // packed X: [depth / step, rows, step], the order in which the squares use it
        int step = squares.Columns;
        wholeDepth = depth / step * step;
        packedX = bufferX.Reserve<float>((nint)wholeDepth * height);
        float scale = format == HalfFormat.Half ? HalfSquares.BiasRatio : 1f;
        float* target = packedX;
        for (int p = 0; p < wholeDepth; p += step)
        {
            for (int t = 0; t < height; t++, target += step)
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(x + (t * xStride) + p, step), scale, new Span<float>(target, step));
        }

        int groups = (outputs + GroupRows - 1) / GroupRows;
        bool isSmall = (long)outputs * depth * height < SerialWork;
        int piece = (int)Math.Clamp(PieceWeights / Math.Max(1, GroupRows * (long)depth), 1, Math.Max(1, groups / (4 * RowParallel.Threads)));
        RowParallel.For(groups, isSmall ? Math.Max(1, groups) : piece, computeGroups);
    }

    [SkipLocalsInit]
    private void ComputeGroups(int start, int end)
    {
        ushort** rows = stackalloc ushort*[GroupRows];
        float* sums = stackalloc float[GroupRows * MaxRows];
        for (int group = start; group < end; group++)
        {
            int first = group * GroupRows;
            int width = Math.Min(GroupRows, outputs - first);

            // a missing row is read from the last present one
            for (int r = 0; r < GroupRows; r++) rows[r] = weights + ((first + Math.Min(r, width - 1)) * (nint)depth);
            new Span<float>(sums, GroupRows * height).Clear();
            bool isFinite = format == HalfFormat.Half
                ? squares.Accumulate<WideHalf>(rows, wholeDepth, depth, packedX, height, sums)
                : squares.Accumulate<WideBFloat16>(rows, wholeDepth, depth, packedX, height, sums);
            Finish(rows, first, width, sums, isFinite);
        }
    }

    /// <summary>Adds the last columns. Half-precision weights that are not finite were taken for numbers: their rows begin again.</summary>
    private void Finish(ushort** rows, int first, int width, float* sums, bool isFinite)
    {
        int lanes = squares.Lanes;
        int from = isFinite ? wholeDepth : 0;
        for (int t = 0; t < height; t++)
        {
            float* left = x + (t * xStride);
            for (int r = 0; r < width; r++)
            {
                float sum = isFinite ? sums[(((r / lanes * height) + t) * lanes) + (r % lanes)] : 0f;
                for (int p = from; p < depth; p++) sum = MathF.FusedMultiplyAdd(left[p], Widen(rows[r][p], format), sum);
                y[(t * yStride) + first + r] = sum;
            }
        }
    }
}
