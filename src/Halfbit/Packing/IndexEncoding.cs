namespace Halfbit.Packing;

/// <summary>How the positions of the salient weights of a mixture are stored.</summary>
public enum IndexEncoding
{
    /// <summary>There are none: not a mixture.</summary>
    None = 0,

    /// <summary>One bit per weight.</summary>
    Bitmap = 1,

    /// <summary>Entropy-coded with a probability per column and row; see FORMAT.md.</summary>
    Coded = 2,
}
