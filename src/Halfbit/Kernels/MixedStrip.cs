using System.Runtime.CompilerServices;

namespace Halfbit.Kernels;

/// <summary>
/// PB-LLM's mixture: the low weights are a strip of their own in which the salient ones count for nothing; y += s·(Σ code·q − z·S(salient)) adds those, which are lists of columns and codes.
/// </summary>
/// <remarks>A record holds the low strip's record, the salient steps and zero codes, and the <see cref="SalientCodes"/>.</remarks>
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
    public override int ByteCount => StepsAt + steps.ByteCount + (Rows * sizeof(short));

    private int StepsAt => low?.Strip.ByteCount ?? 0;

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
        low?.Write((nint)record, firstRow);
        WriteScales(record + StepsAt, steps, firstRow, rows, salient.Step);
        short* zeros = (short*)(record + StepsAt + steps.ByteCount);
        for (int r = 0; r < Rows && firstRow + r < rows; r++) zeros[r] = (short)salient.Zero(firstRow + r);
        SalientCodes.Write(record + ByteCount, SalientColumns(salient.IsKept!, firstRow, rows), (r, n) => salient.Code(firstRow + r, Columns[n]));
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* codesRoom = stackalloc int[(Rows * 2) + PlaneKernel.LineRows];
        int* codes = (int*)PlaneKernel.AlignedLine(codesRoom);
        int* members = codes + Rows;
        SalientCodes.Sum(record + ByteCount, input.Values, codes, members, input.Ahead);
        PlaneKernel.Fetch(record + StepsAt, ByteCount - StepsAt + SalientCodes.HeaderBytes, input.Ahead);
        TileSums.SubtractZeros(codes, (short*)(record + StepsAt + steps.ByteCount), members);
        TileSums.AddScaled(codes, steps, record + StepsAt, input.Scale, y);
        if (low is null) return;
        TileSums.SubtractFrom(input.Total, members);
        low.Strip.AddKept(record, input, members, y, kernel);
    }

    /// <summary>[128], the salient columns of each row of a tile, counted within the strip.</summary>
    private int[][] SalientColumns(Func<int, int, bool> isSalient, int firstRow, int rows)
        => [.. Enumerable.Range(firstRow, Rows).Select(i => i < rows ? [.. Enumerable.Range(0, Columns.Length).Where(n => isSalient(i, Columns[n]))] : Array.Empty<int>())];
}
