using System.Buffers.Binary;
using System.Text;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

/// <summary>A tokenizer.model made in a test. Pieces 0 to 2 are &lt;unk&gt;, &lt;s&gt;, &lt;/s&gt;; byte pieces follow if asked for.</summary>
internal sealed record ToySentencePiece
{
    public (string Text, float Score, PieceKind Kind)[] Pieces { get; init; } = [];

    public bool HasBytes { get; init; }

    public int ModelType { get; init; } = 2;

    public bool? AddsSpace { get; init; }

    public bool RemovesExtraSpaces { get; init; }

    public byte[] CharacterMap { get; init; } = [];

    public string? Configuration { get; init; }

    public byte[] Bytes()
    {
        var file = new List<byte>();
        IEnumerable<(string, float, PieceKind)> all = [("<unk>", 0, PieceKind.Unknown), ("<s>", 0, PieceKind.Control), ("</s>", 0, PieceKind.Control)];
        if (HasBytes) all = all.Concat(Enumerable.Range(0, 256).Select(b => (DecodingRules.TokenOfByte(b), 0f, PieceKind.Byte)));
        foreach ((string text, float score, PieceKind kind) in all.Concat(Pieces))
        {
            var single = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(single, score);
            AddMessage(file, 1, [.. Field(1, Encoding.UTF8.GetBytes(text)), (2 << 3) | 5, .. single, .. Field(3, (int)kind)]);
        }

        AddMessage(file, 2, [.. Field(3, ModelType), .. Field(35, HasBytes ? 1 : 0), .. Field(43, -1)]);
        byte[] prefix = AddsSpace is bool adds ? Field(3, adds ? 1 : 0) : [];
        AddMessage(file, 3, [.. Field(1, "toy"u8), .. Field(2, CharacterMap), .. prefix, .. Field(4, RemovesExtraSpaces ? 1 : 0)]);
        return [.. file];
    }

    public Tokenizer Load() => Load(Bytes(), Configuration);

    public static Tokenizer Load(byte[] bytes, string? configuration = null)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["tokenizer.model"], bytes);
        if (configuration is not null) File.WriteAllText(folder["tokenizer_config.json"], configuration);
        return Tokenizer.Load(folder.Path);
    }

    private static void AddMessage(List<byte> file, int field, byte[] message) => file.AddRange(Field(field, message));

    private static byte[] Field(int number, ReadOnlySpan<byte> content) => [.. Varint((ulong)((number << 3) | 2)), .. Varint((ulong)content.Length), .. content];

    private static byte[] Field(int number, long value) => [.. Varint((ulong)(number << 3)), .. Varint((ulong)value)];

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
