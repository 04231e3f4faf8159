using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Strips, sections and row scales as a file describes them; FORMAT.md beside this file has every byte.</summary>
internal static class TileDescription
{
    private const byte Signs = 0;
    private const byte Grid = 1;
    private const byte Mixed = 2;
    private const byte Nothing = 255;

    /// <summary>Describes them.</summary>
    public static byte[] Write(IReadOnlyList<Strip> strips, IReadOnlyList<ColumnRange> sections, RowScales? rowScales)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (ColumnRange section in sections) writer.Write(section.Count);
        foreach (Strip strip in strips)
        {
            StripColumns.Write(writer, strip.Columns);
            writer.Write(strip.ColumnScales is not null);
            foreach (float scale in strip.ColumnScales ?? []) writer.Write(scale);
            WriteForm(writer, strip);
        }

        writer.Write(rowScales is not null);
        if (rowScales is not null) WriteRowScales(writer, rowScales);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads and checks a description.</summary>
    /// <param name="bytes">All of it.</param>
    /// <param name="header">The header.</param>
    /// <param name="where">File and tensor, for messages.</param>
    public static (Strip[] Strips, ColumnRange[] Sections, RowScales? RowScales) Read(ReadOnlySpan<byte> bytes, in TileHeader header, string where)
    {
        var reader = new TileReader(bytes, where);
        if (header.Sections > bytes.Length || header.Strips > bytes.Length) throw TileHeader.Damaged(where, $"{bytes.Length} bytes cannot describe {header.Strips} strips in {header.Sections} sections");
        var sections = new ColumnRange[header.Sections];
        for (int k = 0, start = 0; k < sections.Length; k++)
        {
            int count = reader.Number("strips of a section", 1, header.Strips - start);
            sections[k] = new ColumnRange(start, start += count);
        }

        if (sections[^1].End != header.Strips) throw TileHeader.Damaged(where, $"the sections hold {sections[^1].End} strips, the matrix has {header.Strips}");
        var strips = new Strip[header.Strips];
        var isCovered = new ulong[((header.Columns - 1) >> 6) + 1];
        foreach (ref Strip strip in strips.AsSpan())
        {
            int[] columns = StripColumns.Read(ref reader, header.Columns);
            foreach (int j in columns) isCovered[j >> 6] |= 1UL << (j & 63);
            float[]? scales = reader.Flag("column scales") ? reader.Floats("column scales", columns.Length) : null;
            strip = ReadForm(ref reader, columns, scales) ?? throw TileHeader.Damaged(where, "a strip has no weights");
        }

        RowScales? rowScales = reader.Flag("row scales") ? ReadRowScales(ref reader) : null;
        reader.End();
        int covered = 0;
        foreach (ulong word in isCovered) covered += BitOperations.PopCount(word);
        if (covered != header.Columns) throw TileHeader.Damaged(where, $"the strips hold {covered} of {header.Columns} columns");
        foreach (Strip strip in strips)
        {
            if (Problem(strip, rowScales) is string problem) throw TileHeader.Damaged(where, problem);
        }

        return (strips, sections, rowScales);
    }

    private static void WriteForm(BinaryWriter writer, Strip? strip)
    {
        switch (strip)
        {
            case SignStrip signs:
                writer.Write(Signs);
                writer.Write(signs.HasSecond);
                writer.Write((byte)signs.StateBits);
                writer.Write((byte)signs.AlphaFormats.Count());
                foreach (ScaleFormat format in signs.AlphaFormats) Write(writer, format);
                writer.Write(signs.MuFormats.Any());
                foreach (ScaleFormat format in signs.MuFormats) Write(writer, format);
                break;
            case GridStrip grid:
                writer.Write(Grid);
                writer.Write((byte)grid.Bits);
                writer.Write((byte)grid.Zeros);
                Write(writer, grid.Format);
                break;
            case MixedStrip mixed:
                writer.Write(Mixed);
                writer.Write(mixed.IsByRow);
                writer.Write((byte)mixed.Bits);
                writer.Write((byte)mixed.Zeros);
                Write(writer, mixed.Format);
                WriteForm(writer, mixed.Low);
                break;
            default:
                writer.Write(Nothing);
                break;
        }
    }

    private static Strip? ReadForm(ref TileReader reader, int[] columns, float[]? scales, bool isLow = false)
    {
        switch (reader.Byte("kind of a strip", 0, Nothing))
        {
            case Signs:
                bool hasSecond = reader.Flag("planes of signs");
                int stateBits = reader.Byte("bits of states", 0, 3);
                int groups = reader.Byte("groups", 0, 1 << stateBits);
                ScaleFormat[] alpha = reader.Formats("scales of signs", groups);
                ScaleFormat[] mu = reader.Flag("means") ? reader.Formats("means", groups) : [];
                return new SignStrip(columns, hasSecond, stateBits, alpha, mu) { ColumnScales = scales };
            case Grid:
                return new GridStrip(columns, reader.Byte("bits of codes", 1, 8), (ZeroKind)reader.Byte("zero codes", 0, 2), reader.Format("steps")) { ColumnScales = scales };
            case Mixed when !isLow:
                bool isByRow = reader.Flag("salient steps");
                int bits = reader.Byte("bits of salient codes", 1, 8);
                var zeros = (ZeroKind)reader.Byte("salient zero codes", 0, 2);
                ScaleFormat format = reader.Format("salient steps");
                return new MixedStrip(columns, ReadForm(ref reader, columns, null, isLow: true), isByRow, bits, zeros, format) { ColumnScales = scales };
            case Nothing:
                return null;
            default:
                throw reader.Bad("kind of a strip");
        }
    }

    private static void WriteRowScales(BinaryWriter writer, RowScales scales)
    {
        writer.Write(scales.Alpha is not null);
        if (scales.Alpha is ScaleFormat alpha) Write(writer, alpha);
        writer.Write(scales.HasMeans);
        writer.Write(scales.Step is not null);
        if (scales.Step is ScaleFormat step) Write(writer, step);
        writer.Write((byte)scales.Bits);
        writer.Write((byte)scales.Zeros);
    }

    private static RowScales ReadRowScales(ref TileReader reader)
    {
        ScaleFormat? alpha = reader.Flag("row scales of signs") ? reader.Format("row scales of signs") : null;
        bool hasMeans = reader.Flag("row means");
        ScaleFormat? step = reader.Flag("row steps") ? reader.Format("row steps") : null;
        int bits = reader.Byte("bits of salient codes", 1, 8);
        var zeros = (ZeroKind)reader.Byte("row zero codes", 0, 2);
        if ((alpha is null && step is null) || (alpha is null && hasMeans)) throw reader.Bad("row scales");
        return new RowScales(alpha, hasMeans, step, bits, zeros);
    }

    /// <summary>What of a strip does not go with the row scales, or with itself; null: nothing.</summary>
    private static string? Problem(Strip strip, RowScales? rowScales)
    {
        bool isSalientByRow = strip is MixedStrip { IsByRow: true };
        Strip? low = strip is MixedStrip mixed ? mixed.Low : strip;
        if (isSalientByRow != rowScales?.Step is not null) return "salient steps are neither those of rows nor those of strips";
        if (low is SignStrip signs)
        {
            bool isByRow = !signs.AlphaFormats.Any();
            if (isByRow != rowScales?.Alpha is not null) return "scales of signs are neither those of rows nor those of strips";
            if ((isByRow || strip is MixedStrip) && (signs.HasSecond || signs.StateBits > 0)) return "signs with row scales or salient weights have several planes";
        }
        else if (rowScales?.Alpha is not null)
        {
            return "signs are missing for their row scales";
        }

        return strip.ColumnScales is not null && (strip is not SignStrip || rowScales is not null) ? "column scales belong to other strips than signs" : null;
    }

    private static void Write(BinaryWriter writer, ScaleFormat format)
    {
        writer.Write((byte)format.Kind);
        writer.Write((sbyte)format.Exponent);
    }
}
