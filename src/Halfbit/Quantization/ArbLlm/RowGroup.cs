using System.Runtime.Intrinsics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>The weights of one group in one row of a block, moved together, with their signs. Scratch memory of one thread, used row after row.</summary>
/// <remarks>Lists are filled up with weights of no importance to whole vectors of four, so that sums run in four fixed lanes on every machine.</remarks>
internal sealed class RowGroup
{
    /// <summary>Memory for a group of up to <paramref name="width"/> weights.</summary>
    public RowGroup(int width)
    {
        int padded = FourLanes.Padded(width);
        Columns = new int[padded];
        Values = new float[padded];
        X = new double[padded];
        Omega = new double[padded];
        First = new double[padded];
        Second = new double[padded];
        Signs = new sbyte[2 * padded];
        Residual = new float[padded];
    }

    /// <summary>Number of weights n.</summary>
    public int Count { get; private set; }

    /// <summary>n, rounded up to whole vectors.</summary>
    public int Padded { get; private set; }

    /// <summary>[n], ascending: where in the block the weights stand.</summary>
    public int[] Columns { get; }

    /// <summary>[n], weights as they are.</summary>
    public float[] Values { get; }

    /// <summary>[n], weights, widened.</summary>
    public double[] X { get; }

    /// <summary>[n], importance ω of each weight; 0 past the last.</summary>
    public double[] Omega { get; }

    /// <summary>[n], first signs B₁: ±1, or 0 where the released programs have sign(0).</summary>
    public double[] First { get; }

    /// <summary>[n], second signs B₂.</summary>
    public double[] Second { get; }

    /// <summary>[2 · n], working memory.</summary>
    public sbyte[] Signs { get; }

    /// <summary>[n], working memory.</summary>
    public float[] Residual { get; }

    /// <summary>Σω.</summary>
    public double Mass { get; private set; }

    /// <summary>Σωx.</summary>
    public double Sum { get; private set; }

    /// <summary>Takes the weights of one group out of a row.</summary>
    /// <param name="w">[width], the row of the block.</param>
    /// <param name="groupOf">[width], the group of each weight.</param>
    /// <param name="group">Which group.</param>
    /// <param name="omega">[width], importance of the columns.</param>
    public void Read(ReadOnlySpan<float> w, ReadOnlySpan<byte> groupOf, int group, ReadOnlySpan<double> omega)
    {
        int n = 0;
        for (int j = 0; j < w.Length; j++)
        {
            if (groupOf[j] != group) continue;
            Columns[n] = j;
            Values[n] = w[j];
            X[n] = w[j];
            Omega[n] = omega[j];
            n++;
        }

        Count = n;
        Padded = FourLanes.Padded(n);
        for (; n < Padded; n++)
        {
            X[n] = 0;
            Omega[n] = 0;
            First[n] = 0;
            Second[n] = 0;
        }

        Vector256<double> mass = Vector256<double>.Zero;
        Vector256<double> sum = Vector256<double>.Zero;
        for (int k = 0; k < Padded; k += FourLanes.Count)
        {
            Vector256<double> weight = FourLanes.At(Omega, k);
            mass += weight;
            sum += weight * FourLanes.At(X, k);
        }

        Mass = FourLanes.Total(mass);
        Sum = FourLanes.Total(sum);
    }
}
