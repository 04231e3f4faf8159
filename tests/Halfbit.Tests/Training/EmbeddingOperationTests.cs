using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class EmbeddingOperationTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(9, 4, 3)]
    [InlineData(5, 7, 70)]
    public void Gradients_are_those_of_the_forward_pass(int tokens, int count, int columns)
    {
        OperationCheck.Gradients(new EmbeddingCase(tokens, count, columns, false), tokens);
        OperationCheck.Gradients(new EmbeddingCase(tokens, count, columns, true), tokens);
    }

    [Fact]
    public void Ids_outside_the_table_are_refused_with_their_place()
    {
        var table = new Matrix<float>(4, 2);
        var X = new Matrix<float>(3, 2);
        Assert.Contains("ids[1] is 4", Assert.Throws<ArgumentException>(() => EmbeddingOperation.Forward([0, 4, 1], table, X, false)).Message, StringComparison.Ordinal);
        Assert.Contains("ids[2] is -1", Assert.Throws<ArgumentException>(() => EmbeddingOperation.Backward([0, 3, -1], X, table)).Message, StringComparison.Ordinal);
        Assert.Contains("2 ids for 3 rows", Assert.Throws<ArgumentException>(() => EmbeddingOperation.Forward([0, 1], table, X, false)).Message, StringComparison.Ordinal);
    }
}

internal sealed class EmbeddingCase(int tokens, int count, int columns, bool accumulate) : OperationCase
{
    private readonly int[] ids = [.. Enumerable.Range(0, tokens).Select(t => t * t % count)];

    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("table", count, columns)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> X = accumulate ? Begun<T>(tokens, columns) : Fresh<T>(tokens, columns);
        EmbeddingOperation.Forward(ids, x[0], X, accumulate);
        return [accumulate ? Added(X) : X];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dX)
    {
        Matrix<T> dTable = Begun<T>(count, columns);
        EmbeddingOperation.Backward(ids, dX[0], dTable);
        return [Added(dTable)];
    }
}
