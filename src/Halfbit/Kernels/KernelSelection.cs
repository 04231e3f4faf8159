using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Chooses the kernel once per process: the widest that the machine has, or the one that HALFBIT_KERNEL names.</summary>
public static class KernelSelection
{
    /// <summary>Environment variable that forces a kernel.</summary>
    public const string Variable = "HALFBIT_KERNEL";

    private static readonly PlaneKernel[] All = [new PlaneKernel512(), new PlaneKernel256(), new PlaneKernel128(), new PlaneKernelScalar()];
    private static readonly Lazy<PlaneKernel> Chosen = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The kernels, best first, and whether this machine can run each.</summary>
    public static IReadOnlyList<(string Name, bool IsSupported)> Kernels => [.. All.Select(k => (k.Name, k.IsSupported))];

    /// <summary>Name of the kernel in use.</summary>
    /// <exception cref="NumericsException">The environment variable names no kernel of this machine.</exception>
    public static string CurrentName => Current.Name;

    internal static PlaneKernel Current => Chosen.Value;

    internal static IReadOnlyList<PlaneKernel> Supported => [.. All.Where(k => k.IsSupported)];

    internal static PlaneKernel Choose(string? forced)
    {
        if (string.IsNullOrEmpty(forced)) return All.First(k => k.IsSupported);
        return All.FirstOrDefault(k => k.Name == forced && k.IsSupported)
            ?? throw new NumericsException($"{Variable} is '{forced}', expected one of {string.Join(", ", Supported.Select(k => k.Name))} on this machine; unset it to take the best");
    }
}
