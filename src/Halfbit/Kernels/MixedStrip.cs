using System.Runtime.CompilerServices;

namespace Halfbit.Kernels;

/// <summary>
/// PB-LLM's mixture: the low weights are a strip of their own that keeps what is not salient; y += s·(Σ code·q − z·S(salient)) adds the salient ones, whose codes follow each other without gaps.
/// </summary>
/// <remarks>A record holds the low strip's record (or, without one, the plane of weights that are not salient), the salient steps and zero codes, and the salient codes.</remarks>
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

    /// <summary>Bytes of a record without the codes.</summary>
    public override int ByteCount => StepsAt + steps.ByteCount + (Rows * sizeof(short));

    private int StepsAt => low?.Strip.ByteCount ?? PlaneBytes;

    private int KeepAt => low?.KeepAt ?? 0;

    /// <summary>Writes a record.</summary>
    /// <param name="record">Its address.</param>
    /// <param name="salient">The salient weights: those that it keeps.</param>
    /// <param name="firstRow">First row of the tile.</param>
    /// <param name="rows">Rows of the matrix.</param>
    public void Write(byte* record, GridSource salient, int firstRow, int rows)
    {
        if (low is null) WritePlane(record, firstRow, rows, (i, j) => !salient.IsKept!(i, j));
        else low.Write((nint)record, firstRow);
        WriteScales(record + StepsAt, steps, firstRow, rows, salient.Step);
        short* zeros = (short*)(record + StepsAt + steps.ByteCount);
        for (int r = 0; r < Rows && firstRow + r < rows; r++) zeros[r] = (short)salient.Zero(firstRow + r);
        byte* codes = record + ByteCount;
        byte* keep = record + KeepAt;
        MarkPadding(keep, rows - firstRow);
        for (int lane = 0; lane < Rows; lane += 8)
        {
            for (int k = 0; k < ByteRows; k++)
            {
                for (int l = lane; l < lane + 8; l++)
                {
                    for (int bit = 0; bit < 8; bit++)
                    {
                        if ((keep[(k * Rows) + l] >> bit & 1) == 0) *codes++ = (byte)salient.Code(firstRow + PlaneKernel.RowOfLane(l), Columns[(k * 8) + bit]);
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        low?.Strip.Add(record, input, y, kernel);
        int* codesRoom = stackalloc int[(Rows * 2) + PlaneKernel.LineRows];
        int* codes = (int*)PlaneKernel.AlignedLine(codesRoom);
        int* keep = codes + Rows;
        short* zeros = (short*)(record + StepsAt + steps.ByteCount);
        kernel.Sum(record + KeepAt, null, input.Tables, ByteRows, keep, 0);
        SalientCodes.Sum(record + KeepAt, record + ByteCount, input.Values, ByteRows, codes);
        TileSums.SubtractFrom(input.Total, keep);
        TileSums.SubtractZeros(codes, zeros, keep);
        TileSums.AddScaled(codes, steps, record + StepsAt, input.Scale, y);
    }

    /// <summary>Columns and rows that are not there count as kept: they have no codes, and their activations or scales are 0.</summary>
    private void MarkPadding(byte* keep, int rowsLeft)
    {
        for (int p = 0; p < Rows; p++)
        {
            for (int k = 0; k < ByteRows; k++)
            {
                int columnsLeft = Math.Clamp(Columns.Length - (k * 8), 0, 8);
                byte beyond = PlaneKernel.RowOfLane(p) >= rowsLeft ? (byte)255 : (byte)(255 << columnsLeft);
                keep[(k * Rows) + p] |= beyond;
            }
        }
    }
}
