namespace Halfbit.Checkpoints;

/// <summary>Element types that a safetensors file may hold.</summary>
public enum ElementType
{
    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>bfloat16: the upper 16 bits of a single-precision value.</summary>
    BF16,

    /// <summary>8-bit float, 4 exponent bits.</summary>
    F8_E4M3,

    /// <summary>8-bit float, 5 exponent bits.</summary>
    F8_E5M2,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>Unsigned byte.</summary>
    U8,

    /// <summary>One byte, 0 or 1.</summary>
    BOOL,
}

/// <summary>Names and sizes of element types.</summary>
public static class ElementTypes
{
    private static readonly Dictionary<string, ElementType> byName = Enum.GetValues<ElementType>().ToDictionary(t => t.ToString(), StringComparer.Ordinal);

    /// <summary>The type of that exact name, as safetensors headers spell it.</summary>
    public static bool TryParse(string name, out ElementType type) => byName.TryGetValue(name, out type);

    /// <summary>Bytes of one element.</summary>
    public static int SizeOf(ElementType type) => type switch
    {
        ElementType.F64 or ElementType.I64 or ElementType.U64 => 8,
        ElementType.F32 or ElementType.I32 or ElementType.U32 => 4,
        ElementType.F16 or ElementType.BF16 or ElementType.I16 or ElementType.U16 => 2,
        _ => 1,
    };

    /// <summary>Whether elements can be widened to single precision as weights: F32, F16 or BF16.</summary>
    public static bool IsWeight(ElementType type) => type is ElementType.F32 or ElementType.F16 or ElementType.BF16;
}
