namespace Halfbit.Numerics;

/// <summary>Who computes dense products in this process: the library itself, or OpenBLAS on request.</summary>
/// <remarks>
/// HALFBIT_BLAS=managed (default) or openblas. With openblas, results depend on the machine, its OpenBLAS version and the number of threads;
/// the managed products give the same bits everywhere.
/// </remarks>
public static class DenseBackend
{
    /// <summary>The environment variable that chooses between the library's own products and OpenBLAS.</summary>
    public const string Variable = "HALFBIT_BLAS";

    private static readonly Lazy<IDenseBackend> Chosen = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The products in use, for display: a kernel's name, or OpenBLAS with its core type.</summary>
    /// <exception cref="ArgumentException">HALFBIT_BLAS or HALFBIT_KERNEL has an unknown value.</exception>
    /// <exception cref="DllNotFoundException">OpenBLAS was requested and cannot be loaded.</exception>
    public static string Name => Current.Name;

    /// <summary>The products in use.</summary>
    internal static IDenseBackend Current => Chosen.Value;

    internal static IDenseBackend Choose(string? value) => value?.ToUpperInvariant() switch
    {
        null or "" or "MANAGED" => DenseKernel.BackendOf(DenseKernel.Current),
        "OPENBLAS" => new OpenBlasBackend(),
        _ => throw new ArgumentException($"{Variable}={value} is not known; use managed (the default) or openblas"),
    };
}
