using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A model whose predictions another one learns.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal interface ITeacher<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Runs sequences; what <see cref="Logits"/> asks for next is about them.</summary>
    /// <param name="ids">[sequences · length].</param>
    /// <param name="length">Tokens of each sequence.</param>
    void Run(ReadOnlySpan<int> ids, int length);

    /// <summary>Logits of consecutive tokens.</summary>
    /// <param name="firstRow">First of them.</param>
    /// <param name="logits">[count, vocabulary], destination.</param>
    void Logits(int firstRow, Matrix<T> logits);
}
