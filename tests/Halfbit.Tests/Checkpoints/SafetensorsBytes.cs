using System.Buffers.Binary;
using System.Text;

namespace Halfbit.Tests.Checkpoints;

/// <summary>Safetensors files built byte by byte, right or wrong.</summary>
internal static class SafetensorsBytes
{
    public static byte[] File(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        for (int k = 0; k < dataBytes; k++) bytes[8 + json.Length + k] = (byte)(k + 1);
        return bytes;
    }

    /// <summary>Two tensors, 14 data bytes.</summary>
    public static byte[] Small() => File("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"U8","shape":[2],"data_offsets":[12,14]}}""", 14);
}
