using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Y ← X·Wᵀ for a <see cref="TiledMatrix"/>: activations become tables, strip by strip, and every tile meets them while they are in the cache.</summary>
/// <remarks>One row of activations passes over all strips of a tile in one go; for many rows, as many strips are handled at a time as their tables fit the second-level cache.</remarks>
internal sealed unsafe class TiledProduct
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>Bytes of tables at a time.</summary>
    private const long TableBudget = 1 << 19;

    /// <summary>Rows of X whose sums are kept at a time.</summary>
    private const int MostTokens = 512;

    /// <summary>What is fetched in advance when weights come from memory: a page of memory further, measured.</summary>
    private const int FetchAhead = 4 * 1024;

    /// <summary>Weights below which threads cost more than they bring.</summary>
    private const long SerialWork = 1 << 19;

    [ThreadStatic]
    private static TiledProduct? idle;

    private readonly Action<int, int> buildTables;
    private readonly Action<int, int> multiplyTiles;
    private readonly AlignedBuffer tableBuffer = new();
    private readonly AlignedBuffer valueBuffer = new();
    private readonly AlignedBuffer inputBuffer = new();
    private TiledMatrix matrix = null!;
    private PlaneKernel kernel = null!;
    private float* x;
    private float* y;
    private nint xStride;
    private nint yStride;
    private int tokens;
    private int parts;
    private int firstStrip;
    private int strips;
    private int byteRows;
    private int[] byteRowStart = [];
    private byte* tables;
    private sbyte* values;
    private StripInput* inputs;

    private TiledProduct()
    {
        buildTables = BuildTables;
        multiplyTiles = MultiplyTiles;
    }

    /// <summary>Computes the product on all threads.</summary>
    public static void Run(TiledMatrix matrix, MatrixView<float> X, MatrixView<float> Y, bool isExact, PlaneKernel kernel)
    {
        TiledProduct product = idle ?? new TiledProduct();
        idle = null;
        fixed (float* x = &MemoryMarshal.GetReference(X.Data), y = &MemoryMarshal.GetReference(Y.Data))
        {
            product.matrix = matrix;
            product.kernel = kernel;
            product.parts = isExact ? ActivationTables.ExactParts : 1;
            (product.xStride, product.yStride) = (X.Stride, Y.Stride);
            for (int t = 0; t < X.Rows; t += MostTokens)
            {
                product.x = x + (t * X.Stride);
                product.y = y + (t * Y.Stride);
                product.tokens = Math.Min(MostTokens, X.Rows - t);
                product.Multiply();
            }
        }

        product.matrix = null!;
        idle = product;
    }

    private void Multiply()
    {
        Strip[] all = matrix.Strips;
        bool isSmall = (long)matrix.Rows * matrix.Columns * tokens * parts < SerialWork;
        int stripsAtOnce = (int)Math.Clamp(TableBudget / ((long)tokens * parts * PlaneKernel.MostColumns * 8), 1, all.Length);
        if (byteRowStart.Length <= stripsAtOnce) byteRowStart = new int[stripsAtOnce + 1];
        for (firstStrip = 0; firstStrip < all.Length; firstStrip += strips)
        {
            strips = Math.Min(stripsAtOnce, all.Length - firstStrip);
            for (int s = 0; s < strips; s++) byteRowStart[s + 1] = byteRowStart[s] + all[firstStrip + s].ByteRows;
            byteRows = byteRowStart[strips];
            long slots = (long)tokens * parts;
            tables = tableBuffer.Reserve<byte>((nint)(slots * byteRows * PlaneKernel.TableBytes));
            values = valueBuffer.Reserve<sbyte>((nint)(slots * byteRows * PlaneKernel.ByteColumns) + PlaneKernel.MostColumns);
            inputs = inputBuffer.Reserve<StripInput>((nint)(slots * strips));
            int pairs = tokens * strips;
            RowParallel.For(pairs, isSmall ? pairs : Share(pairs, 16), buildTables);
            RowParallel.For(matrix.Tiles, isSmall ? matrix.Tiles : Share(matrix.Tiles, tokens > 8 ? 1 : 4), multiplyTiles);
        }
    }

    /// <summary>Rows per piece: a few pieces for each thread, but not too small ones.</summary>
    private static int Share(int count, int least) => Math.Max(least, (count + (RowParallel.Threads * 4) - 1) / (RowParallel.Threads * 4));

    private void BuildTables(int start, int end)
    {
        sbyte* q = stackalloc sbyte[ActivationTables.ExactParts * PlaneKernel.MostColumns];
        for (int pair = start; pair < end; pair++)
        {
            int t = pair / strips;
            int s = pair % strips;
            Strip strip = matrix.Strips[firstStrip + s];
            int padded = strip.ByteRows * PlaneKernel.ByteColumns;
            float scale = ActivationTables.Quantize(x + (t * xStride), strip, parts, q);
            for (int part = 0; part < parts; part++, scale *= 1f / 256)
            {
                long slot = ((long)t * parts) + part;
                long at = (slot * byteRows) + byteRowStart[s];
                sbyte* stored = values + (at * PlaneKernel.ByteColumns);
                byte* table = tables + (at * PlaneKernel.TableBytes);
                Unsafe.CopyBlockUnaligned(stored, q + (part * padded), (uint)padded);
                int total = ActivationTables.Build(stored, strip.ByteRows, table);
                inputs[(slot * strips) + s] = new StripInput(table, stored, total, scale, t == 0 && part == 0 ? FetchAhead : 0);
            }
        }
    }

    [SkipLocalsInit]
    private void MultiplyTiles(int start, int end)
    {
        float* sumsRoom = stackalloc float[Rows + PlaneKernel.LineRows];
        float* sums = (float*)PlaneKernel.AlignedLine(sumsRoom);
        for (int tile = start; tile < end; tile++)
        {
            int count = Math.Min(Rows, matrix.Rows - (tile * Rows));
            for (int t = 0; t < tokens; t++)
            {
                var target = new Span<float>(y + (t * yStride) + (tile * Rows), count);
                var accumulated = new Span<float>(sums, Rows);
                if (firstStrip == 0) accumulated.Clear();
                else target.CopyTo(accumulated);
                StripInput* input = inputs + ((nint)t * parts * strips);
                for (int s = 0; s < strips; s++)
                {
                    Strip strip = matrix.Strips[firstStrip + s];
                    byte* record = matrix.Record(tile, firstStrip + s);
                    for (int part = 0; part < parts; part++) strip.Add(record, input[(part * strips) + s], sums, kernel);
                }

                accumulated[..count].CopyTo(target);
            }
        }
    }
}
