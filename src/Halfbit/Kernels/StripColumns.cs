using System.Numerics;

namespace Halfbit.Kernels;

/// <summary>The columns of a strip in a file: a range, a bitmap or a list, whatever is shortest.</summary>
internal static class StripColumns
{
    private const byte Range = 0;
    private const byte Bitmap = 1;
    private const byte List = 2;

    /// <summary>Writes columns.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="columns">1 to 128, ascending.</param>
    public static void Write(BinaryWriter writer, int[] columns)
    {
        int span = columns[^1] - columns[0] + 1;
        byte form = span == columns.Length ? Range : (span + 7) / 8 <= sizeof(int) * (columns.Length - 1) ? Bitmap : List;
        writer.Write(form);
        writer.Write((byte)(columns.Length - 1));
        writer.Write(columns[0]);
        if (form == Bitmap)
        {
            var bits = new byte[(span + 7) / 8];
            foreach (int j in columns) bits[(j - columns[0]) >> 3] |= (byte)(1 << ((j - columns[0]) & 7));
            writer.Write((ushort)bits.Length);
            writer.Write(bits);
        }
        else if (form == List)
        {
            foreach (int j in columns.Skip(1)) writer.Write(j);
        }
    }

    /// <summary>Reads and checks columns.</summary>
    /// <param name="reader">Where from.</param>
    /// <param name="matrixColumns">Columns of the matrix.</param>
    public static int[] Read(ref TileReader reader, int matrixColumns)
    {
        const string Field = "columns of a strip";
        int form = reader.Byte(Field, Range, List);
        var columns = new int[reader.Byte(Field, 0, PlaneKernel.MostColumns - 1) + 1];
        columns[0] = reader.Number(Field, 0, matrixColumns - 1);
        if (form == Bitmap)
        {
            ReadOnlySpan<byte> bits = reader.Take(Field, reader.Byte(Field, 0, 255) + (reader.Byte(Field, 0, 255) << 8));
            int n = 0;
            for (int at = 0; at < bits.Length; at++)
            {
                for (int set = bits[at]; set != 0 && n < columns.Length; set &= set - 1, n++) columns[n] = reader.InRange(Field, columns[0] + ((long)at * 8) + BitOperations.TrailingZeroCount(set), n == 0 ? columns[0] : columns[n - 1] + 1, matrixColumns - 1);
            }

            int count = 0;
            foreach (byte b in bits) count += BitOperations.PopCount(b);
            if (count != columns.Length || (bits[0] & 1) == 0) throw reader.Bad(Field);
        }
        else
        {
            for (int n = 1; n < columns.Length; n++) columns[n] = form == Range ? reader.InRange(Field, (long)columns[0] + n, 0, matrixColumns - 1) : reader.Number(Field, columns[n - 1] + 1, matrixColumns - 1);
        }

        return columns;
    }
}
