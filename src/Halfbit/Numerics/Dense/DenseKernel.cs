using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>The instruction sets that the dense products can use, and the one that they do use.</summary>
/// <remarks>HALFBIT_KERNEL forces a choice; results do not depend on it, except on processors without fused multiply-add (see <see cref="UpperFactor"/>).</remarks>
public static class DenseKernel
{
    /// <summary>The environment variable that forces a kernel.</summary>
    public const string Variable = "HALFBIT_KERNEL";

    private static readonly Lazy<Choice> Chosen = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>A kernel, whether this machine can run it, and why it is or is not preferred.</summary>
    /// <param name="Name">The value of HALFBIT_KERNEL that names it.</param>
    /// <param name="IsAvailable">Whether this processor and runtime can execute it.</param>
    /// <param name="Reason">What it needs, in words.</param>
    public sealed record Choice(string Name, bool IsAvailable, string Reason);

    /// <summary>All kernels, best first. The first available one is used unless HALFBIT_KERNEL names another.</summary>
    public static IReadOnlyList<Choice> All { get; } =
    [
        new("avx512", Vector512.IsHardwareAccelerated && Avx512F.IsSupported, "AVX-512F: 14 × 32 tile, 32 vector registers"),
        new("avx2", Avx2.IsSupported && Fma.IsSupported, "AVX2 and FMA: 6 × 16 tile, 16 vector registers"),
        new("vector128", Vector128.IsHardwareAccelerated, PortableFusedMultiplyAdd.IsHardware
            ? "any 128-bit vectors: 6 × 8 tile"
            : "any 128-bit vectors: 6 × 8 tile; this processor has no fused multiply-add, which is emulated (slow)"),
        new("scalar", true, "the plain definition, one element at a time (very slow)"),
    ];

    /// <summary>The kernel in use.</summary>
    /// <exception cref="ArgumentException">HALFBIT_KERNEL names an unknown kernel, or one that this machine cannot run.</exception>
    public static Choice Current => Chosen.Value;

    /// <summary>The kernel that a value of HALFBIT_KERNEL stands for.</summary>
    internal static Choice Choose(string? value)
    {
        if (string.IsNullOrEmpty(value)) return All.First(kernel => kernel.IsAvailable);
        Choice? named = All.FirstOrDefault(kernel => string.Equals(kernel.Name, value, StringComparison.OrdinalIgnoreCase));
        string known = string.Join(", ", All.Where(kernel => kernel.IsAvailable).Select(kernel => kernel.Name));
        if (named is null) throw new ArgumentException($"{Variable}={value} is not a kernel; here are {known}. Unset it to choose automatically.");
        if (!named.IsAvailable) throw new ArgumentException($"{Variable}={value} needs {named.Reason}, which this machine lacks; here are {known}. Unset it to choose automatically.");
        return named;
    }

    /// <summary>The tile of a kernel.</summary>
    internal static TileKernel<T> TileOf<T>(Choice kernel)
        where T : unmanaged
        => kernel.Name switch
        {
            "avx512" => new TileKernel512<T>(),
            "avx2" => new TileKernel256<T>(),
            "vector128" => new TileKernel128<T>(),
            _ => new TileKernelScalar<T>(),
        };

    /// <summary>The products of a kernel.</summary>
    internal static IDenseBackend BackendOf(Choice kernel)
        => kernel.Name == "scalar" ? new DenseProductDefinition() : new TiledBackend(kernel.Name, TileOf<float>(kernel));
}
