using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Y ← X·Wᵀ for a <see cref="TiledMatrix"/> of codes and many rows of X: the codes of a tile and strip are expanded once to levels, which all rows of activations meet in the cache.</summary>
/// <remarks>
/// A tile of sums [tokens][128] stays in the second-level cache while all strips are added to it; activations, 16 bits each, are passed once for each tile. Every element of Y is one
/// chain of fused multiply-adds in the order of strips, so its bits depend neither on threads nor on the rows beside it, and are those of <see cref="TiledProduct"/>.
/// </remarks>
internal sealed unsafe class LevelProduct
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>Rows of X whose sums are kept at a time, at most.</summary>
    private const int MostTokens = 512;

    /// <summary>Bytes of activations at a time.</summary>
    private const long ActivationBudget = 1 << 22;

    /// <summary>Where there are few tiles for the threads, a tile is expanded again for at least so many rows of X.</summary>
    private const int LeastPieceTokens = 96;

    [ThreadStatic]
    private static LevelProduct? idle;

    [ThreadStatic]
    private static AlignedBuffer? scratch;

    private readonly Action<int, int> quantize;
    private readonly Action<int, int> multiplyPieces;
    private readonly AlignedBuffer valueBuffer = new();
    private readonly AlignedBuffer scaleBuffer = new();
    private TiledMatrix matrix = null!;
    private LevelKernel kernel = null!;
    private float* x;
    private float* y;
    private nint xStride;
    private nint yStride;
    private int tokens;
    private int parts;
    private int pieces; // of the tokens
    private int pieceTokens;
    private short* values; // [strips][parts][tokens][columns of the strip]
    private float* scales; // [strips][parts][tokens]

    private LevelProduct()
    {
        quantize = Quantize;
        multiplyPieces = MultiplyPieces;
    }

    /// <summary>Whether a matrix has levels, all of it being codes on a grid, and they are faster than planes for as many rows of X.</summary>
    public static bool IsFor(TiledMatrix matrix, int tokens, LevelKernel kernel)
    {
        foreach (Strip strip in matrix.Strips)
        {
            if (strip is not GridStrip { HasLevels: true } grid || tokens < kernel.LeastTokens(grid.Bits)) return false;
        }

        return true;
    }

    /// <summary>Computes the product on all threads.</summary>
    /// <param name="matrix">W; all its strips have levels.</param>
    /// <param name="X">[tokens, columns].</param>
    /// <param name="Y">[tokens, rows].</param>
    /// <param name="isExact">Whether activations have 24 bits instead of 8.</param>
    /// <param name="kernel">Expands codes and multiplies them.</param>
    public static void Run(TiledMatrix matrix, MatrixView<float> X, MatrixView<float> Y, bool isExact, LevelKernel kernel)
    {
        LevelProduct product = idle ?? new LevelProduct();
        idle = null;
        fixed (float* x = &MemoryMarshal.GetReference(X.Data), y = &MemoryMarshal.GetReference(Y.Data))
        {
            (product.matrix, product.kernel) = (matrix, kernel);
            product.parts = isExact ? ActivationTables.ExactParts : 1;
            (product.xStride, product.yStride) = (X.Stride, Y.Stride);
            int atOnce = (int)Math.Clamp(ActivationBudget / ((long)product.parts * X.Columns * sizeof(short)), LeastPieceTokens, MostTokens);
            for (int t = 0; t < X.Rows; t += atOnce)
            {
                product.x = x + (t * X.Stride);
                product.y = y + (t * Y.Stride);
                product.tokens = Math.Min(atOnce, X.Rows - t);
                product.Multiply();
            }
        }

        product.matrix = null!;
        idle = product;
    }

    private void Multiply()
    {
        int columns = 0;
        foreach (Strip strip in matrix.Strips) columns += strip.Words * PlaneKernel.WordColumns;
        values = valueBuffer.Reserve<short>((nint)tokens * parts * columns);
        scales = scaleBuffer.Reserve<float>((nint)tokens * parts * matrix.Strips.Length);
        pieces = Math.Clamp(RowParallel.Threads * 4 / matrix.Tiles, 1, (tokens + LeastPieceTokens - 1) / LeastPieceTokens);
        pieceTokens = (tokens + pieces - 1) / pieces;
        RowParallel.For(tokens, Math.Max(1, tokens / (RowParallel.Threads * 4)), quantize);
        RowParallel.For(matrix.Tiles * pieces, 1, multiplyPieces);
    }

    [SkipLocalsInit]
    private void Quantize(int start, int end)
    {
        sbyte* q = stackalloc sbyte[ActivationTables.ExactParts * PlaneKernel.MostColumns];
        short* ofStrip = values;
        float* scaleOfStrip = scales;
        foreach (Strip strip in matrix.Strips)
        {
            int columns = strip.Words * PlaneKernel.WordColumns;
            for (int t = start; t < end; t++)
            {
                float scale = ActivationTables.Quantize(x + (t * xStride), strip, parts, q);
                for (int part = 0; part < parts; part++, scale *= 1f / 256)
                {
                    nint slot = ((nint)part * tokens) + t;
                    Widen(q + (part * columns), columns, ofStrip + (slot * columns));
                    scaleOfStrip[slot] = scale;
                }
            }

            ofStrip += (nint)parts * tokens * columns;
            scaleOfStrip += (nint)parts * tokens;
        }
    }

    private static void Widen(sbyte* q, int count, short* target)
    {
        for (int j = 0; j < count; j += 16)
        {
            (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(Vector128.Load(q + j));
            lower.Store(target + j);
            upper.Store(target + j + 8);
        }
    }

    private void MultiplyPieces(int start, int end)
    {
        short* levels = (scratch ??= new AlignedBuffer()).Reserve<short>(LevelKernel.MostLevels + (2 * Rows) + ((nint)pieceTokens * Rows * 2));
        float* units = (float*)(levels + LevelKernel.MostLevels);
        float* sums = units + Rows;
        for (int piece = start; piece < end; piece++)
        {
            int tile = piece / pieces;
            int first = piece % pieces * pieceTokens;
            int count = Math.Min(pieceTokens, tokens - first);
            new Span<float>(sums, count * Rows).Clear();
            AddStrips(tile, first, count, levels, units, sums);
            float* target = y + (first * yStride) + (tile * Rows);
            int rows = Math.Min(Rows, matrix.Rows - (tile * Rows));
            for (int t = 0; t < count; t++) new ReadOnlySpan<float>(sums + (t * Rows), rows).CopyTo(new Span<float>(target + (t * yStride), rows));
        }
    }

    private void AddStrips(int tile, int first, int count, short* levels, float* units, float* sums)
    {
        short* q = values;
        float* scale = scales;
        foreach (ColumnRange section in matrix.Sections)
        {
            for (int s = section.Start; s < section.End; s++)
            {
                var strip = (GridStrip)matrix.Strips[s];
                int columns = strip.Words * PlaneKernel.WordColumns;
                strip.Expand(matrix.Record(tile, s, section), kernel, levels, units);
                for (int part = 0; part < parts; part++, q += (nint)tokens * columns, scale += tokens)
                    kernel.AddProduct(levels, columns / 2, units, q + ((nint)first * columns), scale + first, count, sums);
            }
        }
    }
}
