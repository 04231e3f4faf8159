namespace Halfbit.Kernels;

/// <summary>What multiplies packed weights on this machine.</summary>
public static class PackedKernel
{
    /// <summary>The kernel in use: the value of HALFBIT_KERNEL that names it, as for dense products.</summary>
    public static string Name => PlaneKernel.Current switch
    {
        PlaneKernel512 => "avx512",
        PlaneKernel256 => "avx2",
        PlaneKernel128 => "vector128",
        _ => "scalar",
    };

    /// <summary>What it does, in words.</summary>
    public static string Description => PlaneKernel.Current switch
    {
        PlaneKernel512 => $"sums of five or six columns of 32 rows looked up at once, {(SalientCodes.IsFast ? "activations of salient codes too" : "salient codes one by one")}",
        PlaneKernel256 => "half bytes of 32 rows looked up at once, salient codes one by one",
        PlaneKernel128 => "half bytes of 16 rows looked up at once, salient codes one by one",
        _ => "the plain definition, one row at a time (very slow)",
    };
}
