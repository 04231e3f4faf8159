using System.Globalization;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Packing;

/// <summary>The worked examples of FORMAT.md: the bytes printed there are the bytes that the packer writes.</summary>
public sealed class FormatExampleTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void The_bytes_of_the_worked_examples_are_those_of_the_packer(int example)
    {
        byte[] documented = Documented(example);
        byte[] actual = example switch
        {
            1 => Packer.Pack(First(), IndexEncoding.Bitmap),
            2 => Packer.Pack(Second(), IndexEncoding.Coded),
            _ => Packer.Pack(Third()),
        };
        Assert.Equal(Convert.ToHexString(documented), Convert.ToHexString(actual));
    }

    [Fact]
    public void The_documented_bytes_stand_for_the_documented_weights()
    {
        var row = new float[24];
        new PackedMatrix(Documented(1)).ReadRows(0, new MatrixView<float>(row, 2, 12));
        Assert.Equal([0.5f, 0.5f, -0.5f, 0.75f, 0.5f, -0.5f, 0.5f, 0.5f, -0.5f, -0.625f, 0.5f, -0.5f], row[..12]);
        Assert.Equal([0.25f, -0.25f, -0.25f, 0.25f, 0.25f, 0.25f, -0.25f, -0.25f, 0.25f, -0.25f, 0.25f, 0.25f], row[12..]);

        new PackedMatrix(Documented(3)).ReadRows(0, new MatrixView<float>(row, 2, 12));
        Assert.Equal([0.5f, 0, -0.75f, -2, 0, 0.5f, 0, 0, -0.5f, 0, 0, 2], row[..12]);
        Assert.Equal([0, 1, 1.5f, 0, -1, 0, 4, 0, 0, 1, -4, 0], row[12..]);
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

    /// <summary>Two rows of twelve signs in three groups, 4:8; column 2 is salient.</summary>
    internal static GroupedSignMatrix Third()
    {
        var format = new ScaleFormat(ScaleKind.Byte, -6);
        SignGroup Group(params float[][] alpha) => new() { Alpha = alpha, HasByteScales = true, AlphaFormat = format };
        BitMatrix far = Bits("...1.......1", "......1...1.");
        return new GroupedSignMatrix(Bits("1....1.....1", ".11...1..1.."), [Group([0.5f, 1], [0.25f, 0.5f]), Group([0.5f, 1]), Group([2, 4])], 1, -1)
        {
            IsSalient = [.. Enumerable.Range(0, 12).Select(j => j == 2)],
            SecondSigns = Bits("............", "..1........."),
            GroupOf = [.. Enumerable.Range(0, 24).Select(k => (byte)(k % 12 == 2 ? 0 : far[k / 12, k % 12] ? 2 : 1))],
            Keep = Bits("1.11.1..1..1", ".11.1.1..11."),
            Pattern = new NOfM(4, 8),
        };
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
