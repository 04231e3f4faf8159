namespace Halfbit.Packing;

/// <summary>How the weights that a matrix of grouped signs keeps are stored.</summary>
internal enum KeepEncoding
{
    /// <summary>All weights are kept.</summary>
    All = 0,

    /// <summary>One bit per weight.</summary>
    Bitmap = 1,

    /// <summary>Entropy-coded with a probability per column and row.</summary>
    Coded = 2,

    /// <summary>The ranks of the runs of an N:M pattern; see <see cref="RunCode"/>.</summary>
    Runs = 3,
}
