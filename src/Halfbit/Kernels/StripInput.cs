namespace Halfbit.Kernels;

/// <summary>What a strip needs of one row of activations: eight-bit numbers q with one scale, x ≈ scale · q, and the tables made of them.</summary>
internal readonly unsafe struct StripInput(byte* tables, sbyte* values, int total, float scale)
{
    /// <summary>[words][table bytes of the kernel]; see <see cref="PlaneKernel"/>.</summary>
    public readonly byte* Tables = tables;

    /// <summary>[columns], q, −128 to 127.</summary>
    public readonly sbyte* Values = values;

    /// <summary>Σ q.</summary>
    public readonly int Total = total;

    /// <summary>The scale.</summary>
    public readonly float Scale = scale;
}
