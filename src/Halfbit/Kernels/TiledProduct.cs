using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Y ← X·Wᵀ for a <see cref="TiledMatrix"/>: activations become tables, and every tile meets them while they are in the cache.</summary>
/// <remarks>Section by section all tiles pass; of many rows of activations as many are handled at a time as their tables fit the second-level cache.</remarks>
internal sealed unsafe class TiledProduct
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>Bytes of tables at a time.</summary>
    private const long TableBudget = 1 << 19;

    /// <summary>Rows of X at a time.</summary>
    private const int MostTokens = 64;

    /// <summary>Strips whose tables one thread makes in less time than two need to meet.</summary>
    private const int SerialTables = 64;

    /// <summary>Weights below which threads cost more than they bring.</summary>
    private const long SerialWork = 1 << 19;

    [ThreadStatic]
    private static TiledProduct? idle;

    private readonly Action<int, int> buildTables;
    private readonly Action<int, int> multiplyTiles;
    private readonly AlignedBuffer tableBuffer = new();
    private readonly AlignedBuffer valueBuffer = new();
    private readonly AlignedBuffer inputBuffer = new();
    private readonly AlignedBuffer sumBuffer = new();
    private readonly AlignedBuffer totalBuffer = new();
    private TiledMatrix matrix = null!;
    private PlaneKernel kernel = null!;
    private float* x;
    private float* y;
    private nint xStride;
    private nint yStride;
    private int tokens;
    private int parts;
    private ColumnRange sections;
    private int firstStrip;
    private int strips;
    private int words;
    private int sumsPerTile;
    private int[] wordStart = [];
    private byte* tables;
    private sbyte* values;
    private StripInput* inputs;
    private float* sums;
    private float* totals;

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
        sumsPerTile = Rows * (matrix.RowScales?.Sums ?? 1);
        sums = sumBuffer.Reserve<float>((nint)tokens * matrix.Tiles * sumsPerTile);
        totals = totalBuffer.Reserve<float>(tokens);
        new Span<float>(totals, tokens).Clear();
        bool isSmall = (long)matrix.Rows * matrix.Columns * tokens * parts < SerialWork;
        for (int first = 0; first < matrix.Sections.Length; first = sections.End)
        {
            sections = new ColumnRange(first, LastSection(first));
            Reserve();
            int pairs = tokens * strips;
            RowParallel.For(pairs, isSmall || pairs <= SerialTables ? pairs : Share(pairs, 16, 4), buildTables);
            AddTotals();
            RowParallel.For(matrix.Tiles, isSmall ? matrix.Tiles : tokens > 8 ? Share(matrix.Tiles, 1, 4) : Share(matrix.Tiles, 4, 2), multiplyTiles);
        }
    }

    /// <summary>One past the last section whose tables fit the budget together with those from the first on.</summary>
    private int LastSection(int first)
    {
        long bytesPerWord = (long)tokens * parts * kernel.TableBytes;
        long budget = TableBudget;
        int last = first;
        do
        {
            for (int s = matrix.Sections[last].Start; s < matrix.Sections[last].End; s++) budget -= bytesPerWord * matrix.Strips[s].Words;
            last++;
        }
        while (last < matrix.Sections.Length && budget > 0);
        return last;
    }

    private void Reserve()
    {
        firstStrip = matrix.Sections[sections.Start].Start;
        strips = matrix.Sections[sections.End - 1].End - firstStrip;
        if (wordStart.Length <= strips) wordStart = new int[strips + 1];
        for (int s = 0; s < strips; s++) wordStart[s + 1] = wordStart[s] + matrix.Strips[firstStrip + s].Words;
        words = wordStart[strips];
        nint slots = (nint)tokens * parts;
        tables = tableBuffer.Reserve<byte>(slots * words * kernel.TableBytes);
        values = valueBuffer.Reserve<sbyte>((slots * words * PlaneKernel.WordColumns) + PlaneKernel.MostColumns);
        inputs = inputBuffer.Reserve<StripInput>(slots * strips);
    }

    /// <summary>Rows per piece: a few pieces for each of several threads, but not too small ones. A section is one stream in each piece: long pieces are read faster.</summary>
    private static int Share(int count, int least, int ofThread)
    {
        int pieces = RowParallel.Threads == 1 ? 1 : RowParallel.Threads * ofThread;
        return Math.Max(least, (count + pieces - 1) / pieces);
    }

    private void BuildTables(int start, int end)
    {
        sbyte* q = stackalloc sbyte[ActivationTables.ExactParts * PlaneKernel.MostColumns];
        for (int pair = start; pair < end; pair++)
        {
            int t = pair / strips;
            int s = pair % strips;
            Strip strip = matrix.Strips[firstStrip + s];
            int padded = strip.Words * PlaneKernel.WordColumns;
            float scale = ActivationTables.Quantize(x + (t * xStride), strip, parts, q);
            for (int part = 0; part < parts; part++, scale *= 1f / 256)
            {
                nint slot = ((nint)t * parts) + part;
                nint at = (slot * words) + wordStart[s];
                sbyte* stored = values + (at * PlaneKernel.WordColumns);
                byte* table = tables + (at * kernel.TableBytes);
                Unsafe.CopyBlockUnaligned(stored, q + (part * padded), (uint)padded);
                kernel.BuildTables(stored, strip.Words, table);
                inputs[(slot * strips) + s] = new StripInput(table, stored, ActivationTables.Total(stored, padded), scale);
            }
        }
    }

    /// <summary>Adds Σ s·q, strip by strip.</summary>
    private void AddTotals()
    {
        if (matrix.RowScales is null) return;
        for (int t = 0; t < tokens; t++)
        {
            StripInput* input = inputs + ((nint)t * parts * strips);
            for (int s = 0; s < strips; s++)
            {
                for (int part = 0; part < parts; part++) totals[t] += input[(part * strips) + s].Scale * input[(part * strips) + s].Total;
            }
        }
    }

    private void MultiplyTiles(int start, int end)
    {
        for (int k = sections.Start; k < sections.End; k++)
        {
            ColumnRange section = matrix.Sections[k];
            for (int tile = start; tile < end; tile++)
            {
                for (int t = 0; t < tokens; t++)
                {
                    float* ofTile = sums + (((nint)t * matrix.Tiles) + tile) * sumsPerTile;
                    if (k == 0) new Span<float>(ofTile, sumsPerTile).Clear();
                    StripInput* input = inputs + ((nint)t * parts * strips) - firstStrip;
                    for (int s = section.Start; s < section.End; s++)
                    {
                        Strip strip = matrix.Strips[s];
                        byte* record = matrix.Record(tile, s, section);
                        for (int part = 0; part < parts; part++) strip.Add(record, input[(part * strips) + s], ofTile, kernel);
                    }

                    if (k == matrix.Sections.Length - 1) Finish(tile, t, ofTile);
                }
            }
        }
    }

    private void Finish(int tile, int t, float* ofTile)
    {
        var target = new Span<float>(y + (t * yStride) + (tile * Rows), Math.Min(Rows, matrix.Rows - (tile * Rows)));
        if (matrix.RowScales is RowScales scales) scales.Apply(matrix.ScaleRecord(tile), ofTile, totals[t], target);
        else new Span<float>(ofTile, target.Length).CopyTo(target);
    }
}
