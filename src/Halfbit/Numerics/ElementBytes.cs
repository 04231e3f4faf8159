using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>Elements seen as the bytes that a file holds, little-endian.</summary>
internal static class ElementBytes
{
    /// <summary>The bytes of some elements, in place.</summary>
    /// <param name="elements">[n]; n·size below 2³¹.</param>
    public static Span<byte> Of<T>(Span<T> elements)
        where T : unmanaged => MemoryMarshal.AsBytes(elements);
}
