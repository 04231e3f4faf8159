using System.Runtime.CompilerServices;

namespace Halfbit.Kernels;

/// <summary>
/// PB-LLM's mixture: the low weights are a strip of their own in which the salient ones count for nothing; y += s·(Σ code·q − z·S(salient)) adds those, which are lists of columns and codes.
/// </summary>
/// <remarks>A record holds the <see cref="SalientCodes"/>, the salient steps and zero codes, and the low strip's record: what a product reads, in that order.</remarks>
internal sealed unsafe class MixedStrip : Strip
{
    private const int Rows = PlaneKernel.TileRows;
    private readonly WritableStrip? low;
    private readonly ScaleTable steps;

    /// <summary>A mixture.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="low">The low weights; null: they are zero.</param>
    /// <param name="steps">How salient steps are stored.</param>
    public MixedStrip(int[] columns, WritableStrip? low, ScaleTable steps)
        : base(columns)
    {
        this.low = low;
        this.steps = steps;
    }

    /// <summary>Bytes of a record without the lists.</summary>
    public override int ByteCount => HighBytes + (low?.Strip.ByteCount ?? 0);

    private int HighBytes => steps.ByteCount + (Rows * sizeof(short));

    /// <summary>Bytes of the record of a tile.</summary>
    /// <param name="isSalient">Whether a weight is salient, by row and column of the matrix.</param>
    /// <param name="firstRow">First row of the tile.</param>
    /// <param name="rows">Rows of the matrix.</param>
    public int BytesOf(Func<int, int, bool> isSalient, int firstRow, int rows) => ByteCount + SalientCodes.ByteCount([.. SalientColumns(isSalient, firstRow, rows).Select(c => c.Length)]);

    /// <summary>Writes a record.</summary>
    /// <param name="record">Its address.</param>
    /// <param name="salient">The salient weights: those that it keeps.</param>
    /// <param name="firstRow">First row of the tile.</param>
    /// <param name="rows">Rows of the matrix.</param>
    public void Write(byte* record, GridSource salient, int firstRow, int rows)
    {
        int[][] columns = SalientColumns(salient.IsKept!, firstRow, rows);
        SalientCodes.Write(record, columns, (r, n) => salient.Code(firstRow + r, Columns[n]));
        byte* scales = record + SalientCodes.ByteCount([.. columns.Select(c => c.Length)]);
        WriteScales(scales, steps, firstRow, rows, salient.Step);
        short* zeros = (short*)(scales + steps.ByteCount);
        for (int r = 0; r < Rows && firstRow + r < rows; r++) zeros[r] = (short)salient.Zero(firstRow + r);
        low?.Write((nint)(scales + HighBytes), firstRow);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* codesRoom = stackalloc int[(Rows * 2) + PlaneKernel.LineRows];
        int* codes = (int*)PlaneKernel.AlignedLine(codesRoom);
        int* members = codes + Rows;
        byte* scales = SalientCodes.Sum(record, input.Values, codes, members, input.Ahead);
        PlaneKernel.Fetch(scales, HighBytes, input.Ahead);
        TileSums.SubtractZeros(codes, (short*)(scales + steps.ByteCount), members);
        TileSums.AddScaled(codes, steps, scales, input.Scale, y);
        if (low is null) return;
        TileSums.SubtractFrom(input.Total, members);
        low.Strip.AddKept(scales + HighBytes, input, members, y, kernel);
    }

    /// <summary>[128], the salient columns of each row of a tile, counted within the strip.</summary>
    private int[][] SalientColumns(Func<int, int, bool> isSalient, int firstRow, int rows)
        => [.. Enumerable.Range(firstRow, Rows).Select(i => i < rows ? [.. Enumerable.Range(0, Columns.Length).Where(n => isSalient(i, Columns[n]))] : Array.Empty<int>())];
}
