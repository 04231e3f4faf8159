using System.Buffers.Binary;

namespace Halfbit.Tokenization;

/// <summary>A hash table from short byte strings to integers: open addressing, keys side by side in one array.</summary>
internal sealed class ByteStringMap
{
    private readonly ByteList keys = new();
    private Slot[] slots = new Slot[256];

    public int Count { get; private set; }

    /// <summary>Bytes held by the keys.</summary>
    public int KeyBytes => keys.Count;

    public bool TryGet(ReadOnlySpan<byte> key, out int value)
    {
        uint hash = HashOf(key);
        int mask = slots.Length - 1;
        for (int i = (int)hash & mask; ; i = (i + 1) & mask)
        {
            ref readonly Slot slot = ref slots[i];
            if (slot.Length == 0)
            {
                value = 0;
                return false;
            }

            if (slot.Hash == hash && keys.Span.Slice(slot.Start, slot.Length).SequenceEqual(key))
            {
                value = slot.Value;
                return true;
            }
        }
    }

    /// <summary>Adds a key that is not empty and not yet present.</summary>
    public void Add(ReadOnlySpan<byte> key, int value)
    {
        if (2 * (Count + 1) > slots.Length) Grow();
        Put(slots, new Slot(HashOf(key), keys.Count, key.Length, value));
        keys.Add(key);
        Count++;
    }

    public void Clear()
    {
        Array.Clear(slots);
        keys.Clear();
        Count = 0;
    }

    private static void Put(Slot[] slots, Slot slot)
    {
        int mask = slots.Length - 1;
        int i = (int)slot.Hash & mask;
        while (slots[i].Length != 0) i = (i + 1) & mask;
        slots[i] = slot;
    }

    private static uint HashOf(ReadOnlySpan<byte> key)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15ul;
        ulong hash = (ulong)key.Length;
        if (key.Length >= 8)
        {
            for (int i = 0; i + 8 < key.Length; i += 8) hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(key[i..]), Multiplier);
            hash ^= BinaryPrimitives.ReadUInt64LittleEndian(key[^8..]);
        }
        else if (key.Length >= 4)
        {
            hash ^= ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(key) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(key[^4..]);
        }
        else if (key.Length > 0)
        {
            hash ^= ((ulong)key[0] << 8) | ((ulong)key[key.Length / 2] << 16) | ((ulong)key[^1] << 24);
        }

        return (uint)Mix(hash, Multiplier);
    }

    private static ulong Mix(ulong value, ulong multiplier)
    {
        value *= multiplier;
        return (value ^ (value >> 32)) * multiplier >> 16;
    }

    private void Grow()
    {
        var larger = new Slot[2 * slots.Length];
        foreach (Slot slot in slots)
        {
            if (slot.Length != 0) Put(larger, slot);
        }

        slots = larger;
    }

    private readonly record struct Slot(uint Hash, int Start, int Length, int Value);
}
