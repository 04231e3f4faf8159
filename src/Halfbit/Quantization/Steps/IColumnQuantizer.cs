using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>Quantizes the weights of a column, some rows at once, while error feedback walks over the columns; remembers the codes it chose.</summary>
/// <remarks>Calls for one row come from one thread in ascending order of columns; rows may run on several threads.</remarks>
internal interface IColumnQuantizer
{
    /// <summary>Columns whose grid is fitted to the current, compensated weights when the walk reaches them; 0 when all statistics were fixed before.</summary>
    int RefittedGroupSize => 0;

    /// <summary>Fits the grid of a group to the current weights. Called when <see cref="RefittedGroupSize"/> is not 0, before the group's first column.</summary>
    /// <param name="row">Row i.</param>
    /// <param name="group">Group g.</param>
    /// <param name="current">[width], weights of the group after all compensation so far.</param>
    void Refit(int row, int group, ReadOnlySpan<float> current)
    {
    }

    /// <summary>Quantizes column <paramref name="column"/> of some rows, once per weight.</summary>
    /// <param name="rows">Which rows.</param>
    /// <param name="column">Column j.</param>
    /// <param name="w">[16], the current weight in each row's lane.</param>
    /// <param name="q">[16], receives the quantized values; other lanes are left as they are. May be the same memory as <paramref name="w"/>.</param>
    void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q);

    /// <summary>The codes chosen so far, with their scales.</summary>
    QuantizedMatrix ToMatrix();
}
