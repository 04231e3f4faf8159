using System.Runtime.InteropServices;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Y ← X·Wᵀ for a <see cref="TiledMatrix"/>: activations become tables, and every tile meets them while they are in the cache.</summary>
/// <remarks>
/// Section by section all tiles pass. Of few rows of activations each thread makes tables for itself, for a section just before it is read: they need not travel from one processor to another, and nobody waits.
/// Those of many rows are made by all threads for all, as many sections at a time as fit the second-level cache.
/// </remarks>
internal sealed unsafe class TiledProduct
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>Bytes of tables at a time.</summary>
    private const long TableBudget = 1 << 19;

    /// <summary>Rows of X at a time.</summary>
    private const int MostTokens = 64;

    /// <summary>Rows of X up to which each thread makes its own tables, if those of a whole row fit twice the budget.</summary>
    private const int FewTokens = 8;

    /// <summary>Weights below which threads cost more than they bring.</summary>
    private const long SerialWork = 1 << 19;

    [ThreadStatic]
    private static TiledProduct? idle;

    [ThreadStatic]
    private static OwnTables? own;

    private static long runs;

    private readonly Action<int, int> buildTables;
    private readonly Action<int, int> multiplyTiles;
    private readonly AlignedBuffer sumBuffer = new();
    private readonly TableSet common = new();
    private TiledMatrix matrix = null!;
    private PlaneKernel kernel = null!;
    private ActivationRows rows;
    private float* y;
    private nint yStride;
    private long run;
    private bool isOwn; // whether each thread makes its own tables
    private ColumnRange sections;
    private ColumnRange strips;
    private int sumsPerTile;
    private float* sums;

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
        int parts = isExact ? ActivationTables.ExactParts : 1;
        fixed (float* x = &MemoryMarshal.GetReference(X.Data), y = &MemoryMarshal.GetReference(Y.Data))
        {
            (product.matrix, product.kernel, product.yStride) = (matrix, kernel, Y.Stride);
            for (int t = 0; t < X.Rows; t += MostTokens)
            {
                product.rows = new ActivationRows(x + (t * X.Stride), X.Stride, Math.Min(MostTokens, X.Rows - t), parts);
                product.y = y + (t * Y.Stride);
                product.Multiply();
            }
        }

        product.matrix = null!;
        idle = product;
    }

    private void Multiply()
    {
        sumsPerTile = Rows * (matrix.RowScales?.Sums ?? 1);
        sums = sumBuffer.Reserve<float>((nint)rows.Tokens * matrix.Tiles * sumsPerTile);
        bool isSmall = (long)matrix.Rows * matrix.Columns * rows.Tokens * rows.Parts < SerialWork;
        int piece = isSmall ? matrix.Tiles : rows.Tokens > FewTokens ? Share(matrix.Tiles, 1, 4) : Share(matrix.Tiles, 4, 2);
        sections = new ColumnRange(0, LastSection(0, 2 * TableBudget));
        isOwn = rows.Tokens <= FewTokens && sections.End == matrix.Sections.Length;
        if (isOwn)
        {
            run = Interlocked.Increment(ref runs);
            RowParallel.For(matrix.Tiles, piece, multiplyTiles);
            return;
        }

        common.ClearTotals(rows.Tokens);
        for (int first = 0; first < matrix.Sections.Length; first = sections.End)
        {
            sections = new ColumnRange(first, LastSection(first, TableBudget));
            strips = StripsOf(sections);
            common.Reserve(matrix.Strips, strips, rows, kernel);
            int pairs = rows.Tokens * strips.Count;
            RowParallel.For(pairs, isSmall ? pairs : Share(pairs, 16, 4), buildTables);
            if (matrix.RowScales is not null) common.AddTotals(strips, rows);
            RowParallel.For(matrix.Tiles, piece, multiplyTiles);
        }
    }

    /// <summary>One past the last section whose tables fit the budget together with those from the first on; at least one does.</summary>
    private int LastSection(int first, long budget)
    {
        long bytesPerWord = (long)rows.Tokens * rows.Parts * kernel.TableBytes;
        int last = first;
        do
        {
            for (int s = matrix.Sections[last].Start; s < matrix.Sections[last].End; s++) budget -= bytesPerWord * matrix.Strips[s].Words;
            last++;
        }
        while (last < matrix.Sections.Length && budget > 0);
        return last;
    }

    private ColumnRange StripsOf(ColumnRange sections) => new(matrix.Sections[sections.Start].Start, matrix.Sections[sections.End - 1].End);

    /// <summary>Rows per piece: a few pieces for each of several threads, but not too small ones. A section is one stream in each piece: long pieces are read faster.</summary>
    private static int Share(int count, int least, int ofThread)
    {
        int pieces = RowParallel.Threads == 1 ? 1 : RowParallel.Threads * ofThread;
        return Math.Max(least, (count + pieces - 1) / pieces);
    }

    private void BuildTables(int start, int end)
    {
        for (int pair = start; pair < end; pair++)
        {
            int s = strips.Start + (pair % strips.Count);
            common.Build(matrix.Strips[s], s, pair / strips.Count, rows, kernel);
        }
    }

    private void MultiplyTiles(int start, int end)
    {
        OwnTables? mine = isOwn ? OwnOfThread() : null;
        TableSet tables = mine?.Tables ?? common;
        for (int k = sections.Start; k < sections.End; k++)
        {
            ColumnRange section = matrix.Sections[k];
            if (mine is not null && mine.Built <= k) BuildOwn(mine, section);
            for (int tile = start; tile < end; tile++)
            {
                for (int t = 0; t < rows.Tokens; t++)
                {
                    float* ofTile = sums + ((((nint)t * matrix.Tiles) + tile) * sumsPerTile);
                    if (k == 0) new Span<float>(ofTile, sumsPerTile).Clear();
                    for (int s = section.Start; s < section.End; s++)
                    {
                        Strip strip = matrix.Strips[s];
                        byte* record = matrix.Record(tile, s, section);
                        for (int part = 0; part < rows.Parts; part++) strip.Add(record, tables.Input(s, t, part, rows.Parts), ofTile, kernel);
                    }

                    if (k == matrix.Sections.Length - 1) Finish(tile, t, ofTile, tables);
                }
            }
        }
    }

    private OwnTables OwnOfThread()
    {
        OwnTables mine = own ??= new OwnTables();
        if (mine.Run != run)
        {
            (mine.Run, mine.Built) = (run, 0);
            mine.Tables.Reserve(matrix.Strips, new ColumnRange(0, matrix.Strips.Length), rows, kernel);
            mine.Tables.ClearTotals(rows.Tokens);
        }

        return mine;
    }

    private void BuildOwn(OwnTables mine, ColumnRange section)
    {
        for (int t = 0; t < rows.Tokens; t++)
        {
            for (int s = section.Start; s < section.End; s++) mine.Tables.Build(matrix.Strips[s], s, t, rows, kernel);
        }

        if (matrix.RowScales is not null) mine.Tables.AddTotals(section, rows);
        mine.Built++;
    }

    private void Finish(int tile, int t, float* ofTile, TableSet tables)
    {
        var target = new Span<float>(y + (t * yStride) + (tile * Rows), Math.Min(Rows, matrix.Rows - (tile * Rows)));
        if (matrix.RowScales is RowScales scales) scales.Apply(matrix.ScaleRecord(tile), ofTile, tables.Total(t), target);
        else new Span<float>(ofTile, target.Length).CopyTo(target);
    }

    /// <summary>What a thread has made of the tables of a product.</summary>
    private sealed class OwnTables
    {
        public TableSet Tables { get; } = new();

        /// <summary>Number of the product; 0: none.</summary>
        public long Run { get; set; }

        /// <summary>Sections that have tables.</summary>
        public int Built { get; set; }
    }
}
