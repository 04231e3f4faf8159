namespace Halfbit.Tokenization;

/// <summary>Buffers of one encoding at a time; kept between calls, so that the usual call allocates little.</summary>
internal sealed class EncodingWorkspace
{
    private const int LargestKept = 1 << 20;

    public SegmentCache Cache { get; } = new();

    public MergeAgenda Agenda { get; private set; } = new();

    /// <summary>Symbols of the piece in work; −1 where a symbol was merged into the one before it.</summary>
    public int[] Symbols { get; private set; } = new int[64];

    /// <summary>For each symbol, the index of the next; the number of symbols after the last.</summary>
    public int[] Next { get; private set; } = new int[64];

    /// <summary>For each symbol, the index of the one before; −1 before the first.</summary>
    public int[] Previous { get; private set; } = new int[64];

    /// <summary>Whether the last id of the word in work stands for an unknown character, so that another one fuses with it.</summary>
    public bool EndsUnknown { get; set; }

    /// <summary>Makes room for a piece of that many symbols.</summary>
    public void Reserve(int symbols)
    {
        if (symbols <= Symbols.Length) return;
        int size = Math.Max(symbols, 2 * Symbols.Length);
        Symbols = new int[size];
        Next = new int[size];
        Previous = new int[size];
    }

    /// <summary>Gives back what an unusually long piece needed.</summary>
    public void Trim()
    {
        if (Symbols.Length <= LargestKept && Agenda.Capacity <= 2 * LargestKept * sizeof(ulong)) return;
        Symbols = new int[64];
        Next = new int[64];
        Previous = new int[64];
        Agenda = new MergeAgenda();
    }
}
