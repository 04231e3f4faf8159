using System.Buffers.Binary;
using System.Numerics;

namespace Halfbit.Packing;

/// <summary>CRC-32C (Castagnoli polynomial, reflected, initial value and final inversion all ones): most processors compute it in hardware.</summary>
internal static class BlobChecksum
{
    /// <summary>The checksum of <paramref name="bytes"/>; that of the ASCII text "123456789" is E3069283.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Add(uint.MaxValue, bytes);

    /// <summary>The checksum of both, one after the other.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> more) => ~Add(Add(uint.MaxValue, bytes), more);

    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
