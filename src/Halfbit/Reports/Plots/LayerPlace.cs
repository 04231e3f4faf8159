using System.Globalization;

namespace Halfbit.Reports;

/// <summary>Where a linear layer stands in a model.</summary>
/// <param name="Block">0-based block.</param>
/// <param name="Kind">The rest of its name, e.g. <c>self_attn.q_proj</c>: the same in all blocks.</param>
internal readonly record struct LayerPlace(int Block, string Kind)
{
    /// <summary>Reads a name such as <c>model.layers.3.self_attn.q_proj</c>: the first part that is a number is the block.</summary>
    public static LayerPlace Of(string name)
    {
        string[] parts = name.Split('.');
        for (int k = 0; k < parts.Length - 1; k++)
        {
            if (int.TryParse(parts[k], NumberStyles.None, CultureInfo.InvariantCulture, out int block)) return new LayerPlace(block, string.Join('.', parts[(k + 1)..]));
        }

        return new LayerPlace(0, name);
    }
}
