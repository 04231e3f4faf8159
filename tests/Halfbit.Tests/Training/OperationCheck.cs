using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Training;

/// <summary>What is checked of every operation.</summary>
internal static class OperationCheck
{
    /// <summary>Single against double precision, relative to the largest element: sums here have below 100 terms.</summary>
    private static readonly double Rounding = 100 * Math.Pow(2, -23);

    /// <summary>The gradients are those of Σ R ⊙ output with random R, in double precision; and single precision gives the same up to rounding.</summary>
    public static void Gradients(OperationCase operation, int seed = 0)
    {
        (Matrix<double>[] inputs, Matrix<double>[] dOutputs, Matrix<double>[] outputs, Matrix<double>?[] gradients) = Run<double>(operation, seed);
        for (int x = 0; x < inputs.Length; x++)
        {
            if (gradients[x] is not Matrix<double> gradient) continue;
            Assert.Equal((inputs[x].Rows, inputs[x].Columns), (gradient.Rows, gradient.Columns));
            CentralDifference.Check(() => Loss(operation.Forward(inputs), dOutputs), inputs[x].Data, gradient.Data, $"{operation}: gradient of {operation.Inputs[x].Name}");
        }

        (_, _, Matrix<float>[] singleOutputs, Matrix<float>?[] singleGradients) = Run<float>(operation, seed);
        for (int y = 0; y < outputs.Length; y++) AssertNear(outputs[y], singleOutputs[y], $"{operation}: output {y}");
        for (int x = 0; x < inputs.Length; x++)
        {
            if (gradients[x] is Matrix<double> gradient) AssertNear(gradient, singleGradients[x]!, $"{operation}: gradient of {operation.Inputs[x].Name}");
        }
    }

    /// <summary>Outputs and gradients in single precision have the same bits with 1, 2 and 3 threads.</summary>
    public static void Threads(OperationCase operation)
    {
        var results = new List<float[][]>();
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var count = new ThreadCount(threads);
            (_, _, Matrix<float>[] outputs, Matrix<float>?[] gradients) = Run<float>(operation, seed: 7);
            results.Add([.. outputs.Select(y => y.Data), .. gradients.OfType<Matrix<float>>().Select(x => x.Data)]);
        }

        foreach (float[][] result in results)
        {
            for (int k = 0; k < result.Length; k++) Assert.True(result[k].AsSpan().SequenceEqual(results[0][k]), $"{operation}: result {k} depends on the number of threads");
        }
    }

    /// <summary>Every element within a share of the largest.</summary>
    public static void AssertNear(Matrix<double> expected, Matrix<float> actual, string what)
    {
        double bound = Rounding * Math.Max(expected.Data.Max(Math.Abs), 0.01);
        for (int index = 0; index < expected.Data.Length; index++)
        {
            Assert.True(
                Math.Abs(expected.Data[index] - actual.Data[index]) <= bound,
                $"{what}: element {index} is {actual.Data[index]:r} in single precision, {expected.Data[index]:r} in double, bound {bound:g2}");
        }
    }

    private static (Matrix<T>[] Inputs, Matrix<T>[] DOutputs, Matrix<T>[] Outputs, Matrix<T>?[] Gradients) Run<T>(OperationCase operation, int seed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var random = new Random(seed);
        Matrix<T>[] inputs = [.. operation.Inputs.Select((x, index) => Draw<T>(x.Rows, x.Columns, () => operation.Draw(random, index)))];
        Matrix<T>[] before = [.. inputs.Select(x => Matrix<T>.CopyOf(x.View))];
        Matrix<T>[] outputs = operation.Forward(inputs);
        Matrix<T>[] dOutputs = [.. outputs.Select(y => Draw<T>(y.Rows, y.Columns, () => (float)((random.NextDouble() * 2) - 1)))];
        Matrix<T>?[] gradients = operation.Backward(inputs, dOutputs);
        for (int x = 0; x < inputs.Length; x++) Assert.Equal(before[x].Data, inputs[x].Data);
        return (inputs, dOutputs, outputs, gradients);
    }

    private static Matrix<T> Draw<T>(int rows, int columns, Func<double> draw)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var matrix = new Matrix<T>(rows, columns);
        foreach (ref T element in matrix.Data.AsSpan()) element = T.CreateChecked(draw());
        return matrix;
    }

    private static double Loss(Matrix<double>[] outputs, Matrix<double>[] weights)
    {
        double sum = 0;
        for (int y = 0; y < outputs.Length; y++)
        {
            for (int index = 0; index < outputs[y].Data.Length; index++) sum += outputs[y].Data[index] * weights[y].Data[index];
        }

        return sum;
    }
}
