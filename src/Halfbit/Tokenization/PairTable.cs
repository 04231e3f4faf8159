namespace Halfbit.Tokenization;

/// <summary>A hash table from a pair of numbers to a rank and an id: open addressing, one cache line per usual look-up.</summary>
internal sealed class PairTable
{
    private const ulong Empty = ulong.MaxValue;
    private Slot[] slots = NewSlots(64);

    public int Count { get; private set; }

    /// <summary>Sets the value of a pair; a later value replaces an earlier one.</summary>
    /// <param name="left">First of the pair, ≥ 0.</param>
    /// <param name="right">Second of the pair, ≥ 0.</param>
    /// <param name="rank">Order of the merge: lower comes first.</param>
    /// <param name="merged">What the pair becomes.</param>
    public void Set(int left, int right, int rank, int merged)
    {
        if (2 * (Count + 1) > slots.Length) Grow();
        ulong key = Key(left, right);
        int slot = SlotOf(slots, key);
        if (slots[slot].Key == Empty) Count++;
        slots[slot] = new Slot(key, rank, merged);
    }

    public bool Contains(int left, int right)
    {
        ulong key = Key(left, right);
        return slots[SlotOf(slots, key)].Key == key;
    }

    public bool TryGet(int left, int right, out int rank, out int merged)
    {
        ulong key = Key(left, right);
        ref readonly Slot slot = ref slots[SlotOf(slots, key)];
        rank = slot.Rank;
        merged = slot.Merged;
        return slot.Key == key;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    /// <summary>Where a key is or would be put; the table is never more than half full, so the search ends.</summary>
    private static int SlotOf(Slot[] slots, ulong key)
    {
        ulong hash = key * 0x9E3779B97F4A7C15ul;
        int mask = slots.Length - 1;
        int slot = (int)(hash >> 32) & mask;
        while (slots[slot].Key != key && slots[slot].Key != Empty) slot = (slot + 1) & mask;
        return slot;
    }

    private static Slot[] NewSlots(int count)
    {
        var result = new Slot[count];
        Array.Fill(result, new Slot(Empty, 0, 0));
        return result;
    }

    private void Grow()
    {
        Slot[] larger = NewSlots(2 * slots.Length);
        foreach (Slot slot in slots)
        {
            if (slot.Key != Empty) larger[SlotOf(larger, slot.Key)] = slot;
        }

        slots = larger;
    }

    private readonly record struct Slot(ulong Key, int Rank, int Merged);
}
