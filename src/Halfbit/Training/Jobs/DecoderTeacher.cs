using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A model that is run for inference as a teacher.</summary>
/// <param name="decoder">The model.</param>
internal sealed class DecoderTeacher(Decoder decoder) : ITeacher<float>
{
    private readonly SequenceBatch batch = new();
    private Matrix? hidden;

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<int> ids, int length)
    {
        batch.Clear();
        for (int start = 0; start < ids.Length; start += length) batch.Add(ids.Slice(start, length));
        hidden = decoder.Forward(batch);
    }

    /// <inheritdoc/>
    public void Logits(int firstRow, Matrix<float> logits) => decoder.Logits(hidden!, firstRow, logits.Rows, new Matrix(logits.Rows, logits.Columns, logits.Data));
}
