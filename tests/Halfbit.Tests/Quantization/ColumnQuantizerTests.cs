using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Tests.Quantization;

public sealed class ColumnQuantizerTests
{
    private const int Rows = 21;
    private const int Columns = 70;
    private const int Groups = 3;

    [Theory]
    [InlineData(nameof(OnThreshold.Upper), false)]
    [InlineData(nameof(OnThreshold.Lower), true)]
    [InlineData(nameof(OnThreshold.Middle), false)]
    public void Signs_are_the_sides_of_the_threshold_and_rows_that_take_no_part_keep_their_weights(string rule, bool hasThreshold)
    {
        OnThreshold onThreshold = Enum.Parse<OnThreshold>(rule);
        var random = new Random(3);
        float[] alpha = Values(() => random.NextSingle());
        float[] mu = Values(() => random.Next(-2, 3) / 8f);
        float[]? threshold = hasThreshold ? Values(() => random.Next(-2, 3) / 8f) : null;
        var quantizer = new SignColumnQuantizer(Rows, Columns, 32, alpha, mu, threshold, onThreshold, ScaleFormat.Exact);
        var isUpper = new BitMatrix(Rows, Columns);
        for (int first = 0; first < Rows; first += 16)
        {
            for (int j = 0; j < Columns; j++)
            {
                RowLanes all = RowLanes.Of(first, Rows);
                RowLanes rows = all with { Mask = all.Mask & (uint)random.Next(1 << 16) };
                float[] w = [.. Enumerable.Range(0, 16).Select(_ => random.Next(-3, 4) / 8f)];
                float[] q = [.. w];
                quantizer.Quantize(rows, j, q, q);
                for (int r = 0; r < 16; r++)
                {
                    int g = ((first + r) * Groups) + (j / 32);
                    float expected = w[r];
                    if ((rows.Mask >> r & 1) != 0)
                    {
                        float side = w[r] - (threshold ?? mu)[g];
                        bool upper = side > 0 || (side == 0 && onThreshold != OnThreshold.Lower);
                        isUpper[first + r, j] = upper;
                        expected = side == 0 && onThreshold == OnThreshold.Middle ? mu[g] : upper ? mu[g] + alpha[g] : mu[g] - alpha[g];
                    }

                    Assert.Equal(expected, q[r]);
                }
            }
        }

        Assert.Equal(isUpper.Words, Assert.IsType<SignMatrix>(quantizer.ToMatrix()).Signs.Words);
    }

    [Fact]
    public void Bits_ordered_for_a_walk_and_back_are_the_same()
    {
        var random = new Random(4);
        var matrix = new BitMatrix(Rows, Columns);
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < Columns; j++) matrix[i, j] = random.Next(2) == 0;
        }

        LaneBits bits = LaneBits.Of(matrix);
        Assert.Equal(matrix[17, 65], (bits[16, 65] >> 1 & 1) != 0);
        Assert.Equal(matrix.Words, bits.ToMatrix().Words);
    }

    private static float[] Values(Func<float> next) => [.. Enumerable.Range(0, Rows * Groups).Select(_ => next())];
}
