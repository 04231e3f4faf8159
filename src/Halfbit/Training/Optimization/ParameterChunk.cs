using System.Numerics;

namespace Halfbit.Training;

/// <summary>Some rows of one parameter: the piece of work that one thread does at a time.</summary>
/// <param name="Parameter">Index of the parameter.</param>
/// <param name="FirstRow">First row.</param>
/// <param name="Rows">Number of rows, ≥ 1.</param>
internal readonly record struct ParameterChunk(int Parameter, int FirstRow, int Rows)
{
    /// <summary>Elements of a chunk, about: whole rows, and at least one.</summary>
    private const int Elements = 1 << 14;

    /// <summary>Cuts all trained parameters into chunks that depend on their shapes alone, so that sums over chunks have one order.</summary>
    public static ParameterChunk[] Of<T>(IReadOnlyList<Parameter<T>> parameters)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var chunks = new List<ParameterChunk>();
        for (int p = 0; p < parameters.Count; p++)
        {
            if (!parameters[p].IsTrained || parameters[p].Value.Data.Length == 0) continue;
            int rows = parameters[p].Value.Rows;
            int together = Math.Max(1, Elements / parameters[p].Value.Columns);
            for (int i = 0; i < rows; i += together) chunks.Add(new ParameterChunk(p, i, Math.Min(together, rows - i)));
        }

        return [.. chunks];
    }
}
