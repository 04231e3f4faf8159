namespace Halfbit.Packing;

/// <summary>Row scales in bytes while they are coded: all tables of a matrix, row by row, one table after the other within a row.</summary>
internal static class CodedScales
{
    /// <summary>Codes tables.</summary>
    /// <param name="tables">[tables][rows, blocks of the table].</param>
    /// <param name="blocks">[tables], scale blocks.</param>
    /// <param name="follows">[tables]; whether the table before has the same shape and can predict this one.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="rowsPerBlock">Rows after which the code starts on a new byte.</param>
    /// <returns>A code per table; bytes up to the end of each row block; the bytes.</returns>
    public static (ScaleCode[] Codes, int[] Ends, byte[] Bytes) Encode(IReadOnlyList<byte[]> tables, IReadOnlyList<int> blocks, IReadOnlyList<bool> follows, int rows, int rowsPerBlock)
    {
        var codes = new ScaleCode[tables.Count];
        for (int t = 0; t < codes.Length; t++) codes[t] = ScaleCode.Fit(tables[t], blocks[t], follows[t] ? tables[t - 1] : [], out _);
        var ends = new int[((rows - 1) / rowsPerBlock) + 1];
        long bit = 0;
        Walk((code, value, prediction) => bit += code.Length(value, prediction), () => bit = (bit + 7) / 8 * 8);
        var bytes = new byte[checked((int)(bit / 8))];
        bit = 0;
        int b = 0;
        Walk((code, value, prediction) => bit = code.Write(value, prediction, bytes, bit), () => ends[b++] = (int)((bit = (bit + 7) / 8 * 8) / 8));
        return (codes, ends, bytes);

        void Walk(Action<ScaleCode, int, int> visit, Action endBlock)
        {
            for (int i = 0; i < rows; i++)
            {
                for (int t = 0; t < codes.Length; t++)
                {
                    for (int n = 0; n < blocks[t]; n++)
                    {
                        int k = (i * blocks[t]) + n;
                        visit(codes[t], tables[t][k], codes[t].Predict(n, n == 0 ? 0 : tables[t][k - 1], follows[t] ? tables[t - 1][k] : 0));
                    }
                }

                if (i == rows - 1 || (i + 1) % rowsPerBlock == 0) endBlock();
            }
        }
    }
}
