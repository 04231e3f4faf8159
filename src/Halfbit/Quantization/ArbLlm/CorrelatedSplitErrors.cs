using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>Errors of candidate splits as ARB-X measures them: Σ δ·S·δᵀ over the rows of what the split leaves over, both halves binarized with one plane per row.</summary>
/// <remarks>For each candidate the leftovers are written row by row, in tiles of rows, and Σ δᵀδ ⊙ S follows from their Gram matrix: one dense product per candidate, memory of one tile.</remarks>
/// <param name="left">[rows, w]; outside the group what other groups leave over, inside the group the values to be split.</param>
/// <param name="partition">Which weights are in the group.</param>
/// <param name="group">The group to be split.</param>
/// <param name="S">[w, padded w], symmetric.</param>
/// <param name="hasMeans">Whether the halves have means.</param>
internal sealed class CorrelatedSplitErrors(Matrix left, Partition partition, int group, double[] S, bool hasMeans)
{
    private const int TileRows = 1024;

    private readonly int width = left.Columns;

    /// <summary>The error of every candidate.</summary>
    /// <param name="thresholds">[candidates]; a member goes to the upper half when its magnitude is at least the threshold.</param>
    public double[] Of(float[] thresholds)
    {
        var delta = new float[Math.Min(TileRows, left.Rows) * width];
        double[] errors = new double[thresholds.Length];
        for (int k = 0; k < thresholds.Length; k++)
        {
            float threshold = thresholds[k];
            var gram = new Matrix(width, width);
            for (int first = 0; first < left.Rows; first += TileRows)
            {
                int start = first;
                int rows = Math.Min(TileRows, left.Rows - first);
                RowParallel.For(rows, 64, (from, to) =>
                {
                    var scratch = new Halves(width);
                    for (int r = from; r < to; r++) scratch.Leave(left.Row(start + r), partition.GroupOf.AsSpan((start + r) * width, width), group, threshold, hasMeans, delta.AsSpan(r * width, width));
                });
                DenseProduct.AddGramUpper(new MatrixView<float>(delta, rows, width), gram.View);
            }

            errors[k] = WeightedSum(gram);
        }

        return errors;
    }

    private double WeightedSum(Matrix gram)
    {
        int stride = FourLanes.Padded(width);
        double total = 0;
        for (int i = 0; i < width; i++)
        {
            total += S[(i * stride) + i] * gram[i, i];
            for (int j = i + 1; j < width; j++) total += 2 * S[(i * stride) + j] * gram[i, j];
        }

        return total;
    }

    /// <summary>One row: its members with their halves. Scratch memory of one thread.</summary>
    private sealed class Halves(int width)
    {
        private readonly double[] x = new double[FourLanes.Padded(width)];
        private readonly double[] isUpper = new double[FourLanes.Padded(width)];
        private readonly double[] isLower = new double[FourLanes.Padded(width)];

        /// <summary>Writes what is left of a row when the halves of its members are binarized.</summary>
        public void Leave(ReadOnlySpan<float> row, ReadOnlySpan<byte> groupOf, int group, float threshold, bool hasMeans, Span<float> delta)
        {
            for (int j = 0; j < row.Length; j++)
            {
                bool isMember = groupOf[j] == group;
                bool isLarge = MathF.Abs(row[j]) >= threshold;
                x[j] = row[j];
                isUpper[j] = isMember && isLarge ? 1 : 0;
                isLower[j] = isMember && !isLarge ? 1 : 0;
            }

            Binarize(isUpper, hasMeans);
            Binarize(isLower, hasMeans);
            for (int j = 0; j < delta.Length; j++) delta[j] = (float)x[j];
        }

        /// <summary>x −= μ + α·sign(x − μ) on a mask, sign(0) = 0.</summary>
        private void Binarize(double[] mask, bool hasMean)
        {
            Vector256<double> count = Vector256<double>.Zero;
            Vector256<double> sum = Vector256<double>.Zero;
            for (int k = 0; k < x.Length; k += FourLanes.Count)
            {
                Vector256<double> m = FourLanes.At(mask, k);
                count += m;
                sum += m * FourLanes.At(x, k);
            }

            double n = FourLanes.Total(count);
            if (n == 0) return;
            Vector256<double> mu = Vector256.Create(hasMean ? FourLanes.Total(sum) / n : 0);
            Vector256<double> deviation = Vector256<double>.Zero;
            for (int k = 0; k < x.Length; k += FourLanes.Count) deviation += FourLanes.At(mask, k) * Vector256.Abs(FourLanes.At(x, k) - mu);
            Vector256<double> alpha = Vector256.Create(FourLanes.Total(deviation) / n);
            for (int k = 0; k < x.Length; k += FourLanes.Count)
            {
                Vector256<double> value = FourLanes.At(x, k);
                Vector256<double> c = value - mu;
                Vector256<double> plane = Vector256.ConditionalSelect(
                    Vector256.LessThan(c, Vector256<double>.Zero), -alpha, Vector256.ConditionalSelect(Vector256.GreaterThan(c, Vector256<double>.Zero), alpha, Vector256<double>.Zero));
                (value - (FourLanes.At(mask, k) * (mu + plane))).CopyTo(x, k);
            }
        }
    }
}
