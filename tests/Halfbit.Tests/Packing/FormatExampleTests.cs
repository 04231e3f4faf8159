using System.Globalization;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Packing;

/// <summary>The worked examples of FORMAT.md: the bytes printed there are the bytes that the packer writes.</summary>
public sealed class FormatExampleTests
{
    [Theory, InlineData(1), InlineData(2)]
    public void The_bytes_of_the_worked_examples_are_those_of_the_packer(int example)
    {
        byte[] documented = Documented(example);
        byte[] actual = example == 1 ? Packer.Pack(First(), IndexEncoding.Bitmap) : Packer.Pack(Second(), IndexEncoding.Coded);
        Assert.Equal(Convert.ToHexString(documented), Convert.ToHexString(actual));
    }

    [Fact]
    public void The_documented_bytes_stand_for_the_documented_weights()
    {
        var row = new float[24];
        new PackedMatrix(Documented(1)).ReadRows(0, new MatrixView<float>(row, 2, 12));
        Assert.Equal([0.5f, 0.5f, -0.5f, 0.75f, 0.5f, -0.5f, 0.5f, 0.5f, -0.5f, -0.625f, 0.5f, -0.5f], row[..12]);
        Assert.Equal([0.25f, -0.25f, -0.25f, 0.25f, 0.25f, 0.25f, -0.25f, -0.25f, 0.25f, -0.25f, 0.25f, 0.25f], row[12..]);
    }

    /// <summary>Two rows of twelve signs, three salient weights of 4 bits.</summary>
    internal static MixedMatrix First()
    {
        var format = new ScaleFormat(ScaleKind.Half, -10);
        BitMatrix mask = Bits("...1.....1..", "1...........");
        var codes = new byte[24];
        (codes[3], codes[9], codes[12]) = (13, 2, 9);
        var salient = new GridMatrix(2, 12, 4, codes, -1, [0.125f, 0.25f], [7, 8], format);
        return new MixedMatrix(mask, salient, new SignMatrix(Bits("11..1.11..1.", "...111..1.11"), -1, [0.5f, 0.25f], null, format));
    }

    /// <summary>Two rows of eight, only a mask.</summary>
    internal static MixedMatrix Second()
    {
        var zero = new ZeroMatrix(2, 8);
        return new MixedMatrix(Bits("..1.....", "..1..1.."), zero, zero);
    }

    private static BitMatrix Bits(params string[] rows)
    {
        var bits = new BitMatrix(rows.Length, rows[0].Length);
        for (int i = 0; i < rows.Length; i++)
        {
            for (int j = 0; j < rows[i].Length; j++) bits[i, j] = rows[i][j] == '1';
        }

        return bits;
    }

    /// <summary>The hexadecimal bytes in the nth table of an example: rows that begin with <c>| offset | `bytes` |</c>.</summary>
    private static byte[] Documented(int example)
    {
        string text = File.ReadAllText(Path.Combine(TestData.Root, "src", "Halfbit", "Packing", "FORMAT.md"));
        string section = text.Split("### Example ")[example];
        var bytes = new List<byte>();
        foreach (string line in section.Split('\n'))
        {
            string[] cells = [.. line.Split('|').Select(c => c.Trim())];
            if (cells.Length < 4 || !int.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out int offset)) continue;
            Assert.Equal(bytes.Count, offset);
            bytes.AddRange(Convert.FromHexString(cells[2].Trim('`').Replace(" ", string.Empty, StringComparison.Ordinal)));
        }

        return [.. bytes];
    }
}
