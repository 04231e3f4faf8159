namespace Halfbit.Tokenization;

/// <summary>Possible merges of one piece of text, lowest rank first and leftmost first among equals: a binary heap of packed numbers.</summary>
internal sealed class MergeAgenda
{
    private ulong[] heap = new ulong[64];
    private int count;

    public bool IsEmpty => count == 0;

    /// <summary>Bytes held.</summary>
    public long Capacity => heap.LongLength * sizeof(ulong);

    public void Clear() => count = 0;

    /// <summary>Adds an entry at the end without ordering; <see cref="Order"/> must follow.</summary>
    public void Append(int rank, int position)
    {
        if (count == heap.Length) Array.Resize(ref heap, 2 * count);
        heap[count++] = ((ulong)(uint)rank << 32) | (uint)position;
    }

    /// <summary>Makes a heap of what was appended, in linear time.</summary>
    public void Order()
    {
        for (int i = (count / 2) - 1; i >= 0; i--) SiftDown(i, heap[i]);
    }

    public void Push(int rank, int position)
    {
        Append(rank, position);
        int i = count - 1;
        ulong entry = heap[i];
        while (i > 0)
        {
            int parent = (i - 1) / 2;
            if (heap[parent] <= entry) break;
            heap[i] = heap[parent];
            i = parent;
        }

        heap[i] = entry;
    }

    public void Pop(out int rank, out int position)
    {
        ulong first = heap[0];
        ulong last = heap[--count];
        if (count > 0) SiftDown(0, last);
        rank = (int)(first >> 32);
        position = (int)(uint)first;
    }

    private void SiftDown(int i, ulong entry)
    {
        while (true)
        {
            int child = (2 * i) + 1;
            if (child >= count) break;
            if (child + 1 < count && heap[child + 1] < heap[child]) child++;
            if (heap[child] >= entry) break;
            heap[i] = heap[child];
            i = child;
        }

        heap[i] = entry;
    }
}
