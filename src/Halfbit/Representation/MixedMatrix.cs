using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>Two quantized matrices and a mask: salient weights come from one, all others from the other (PB-LLM's partial binarization).</summary>
public sealed class MixedMatrix : QuantizedMatrix
{
    /// <summary>A mixture of two matrices of the same shape. What a part says at positions of the other part has no meaning and is not stored.</summary>
    /// <param name="isSalient">[rows, columns]; a set bit takes the weight from <paramref name="salient"/>.</param>
    /// <param name="salient">The part kept at high precision.</param>
    /// <param name="low">The rest.</param>
    /// <exception cref="ArgumentException">The shapes differ, or a part is itself a mixture.</exception>
    public MixedMatrix(BitMatrix isSalient, QuantizedMatrix salient, QuantizedMatrix low)
        : base(isSalient.Rows, isSalient.Columns)
    {
        foreach (QuantizedMatrix part in (QuantizedMatrix[])[salient, low])
        {
            if (part.Rows != Rows || part.Columns != Columns || part is MixedMatrix)
                throw new ArgumentException($"a part of a [{Rows}, {Columns}] mixture is {part.GetType().Name} [{part.Rows}, {part.Columns}]");
        }

        IsSalient = isSalient;
        Salient = salient;
        Low = low;
    }

    /// <summary>[rows, columns]; a set bit marks a salient weight.</summary>
    public BitMatrix IsSalient { get; }

    /// <summary>Where salient weights come from.</summary>
    public QuantizedMatrix Salient { get; }

    /// <summary>Where all other weights come from.</summary>
    public QuantizedMatrix Low { get; }

    /// <inheritdoc/>
    public override QuantizedMatrix Stored(ScaleFormat format) => new MixedMatrix(IsSalient, Salient.Stored(format), Low.Stored(format));

    /// <inheritdoc/>
    public override void ReadRows(int firstRow, MatrixView<float> destination)
    {
        Low.ReadRows(firstRow, destination);
        var salient = new float[Columns];
        for (int r = 0; r < destination.Rows; r++)
        {
            Salient.ReadRows(firstRow + r, new MatrixView<float>(salient, 1, Columns));
            Span<float> row = destination.Row(r);
            for (int j = 0; j < Columns; j++)
            {
                if (IsSalient[firstRow + r, j]) row[j] = salient[j];
            }
        }
    }
}
