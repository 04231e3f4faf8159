using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Pipeline;

/// <summary>Looks at every weight of the source once, before hours of work depend on it.</summary>
internal static class SourceCheck
{
    /// <summary>Throws when a weight is NaN or infinite, naming one.</summary>
    /// <param name="source">The original checkpoint.</param>
    /// <param name="cancellation">Looked at before each tensor.</param>
    /// <exception cref="NumericsException">A weight is not finite.</exception>
    public static void AllFinite(Checkpoint source, CancellationToken cancellation)
    {
        const int Piece = 1 << 18;
        foreach (MappedTensor tensor in source.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!ElementTypes.IsWeight(tensor.Type)) continue;
            int pieces = checked((int)((tensor.ElementCount + Piece - 1) / Piece));
            RowParallel.For(pieces, 1, (start, end) =>
            {
                var values = new float[(int)Math.Min(Piece, tensor.ElementCount)];
                for (long piece = start; piece < end; piece++) Check(tensor, piece * Piece, values);
            });
            tensor.Release();
        }
    }

    private static void Check(MappedTensor tensor, long first, float[] scratch)
    {
        Span<float> values = scratch.AsSpan(0, (int)Math.Min(scratch.Length, tensor.ElementCount - first));
        tensor.Read(first, values);
        int found = Finite.FirstNotFinite(values);
        if (found < 0) return;
        long element = first + found;
        string place = tensor.Shape.Count < 2 ? FormattableString.Invariant($"[{element}]") : FormattableString.Invariant($"[{element / tensor.Columns}, {element % tensor.Columns}]");
        throw new NumericsException(FormattableString.Invariant(
            $"{tensor.FilePath}: tensor '{tensor.Name}' holds {values[found]} at {place}; a weight that is not finite cannot be used, fetch or export the file again"));
    }
}
