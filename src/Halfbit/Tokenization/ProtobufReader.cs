using System.Buffers.Binary;

namespace Halfbit.Tokenization;

/// <summary>Reads the fields of one protobuf message; every length is checked against the bytes that are there.</summary>
/// <param name="file">Named in errors.</param>
/// <param name="message">The bytes of the message.</param>
internal ref struct ProtobufReader(string file, ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> message = message;
    private int position;
    private int wireType;
    private bool isRead = true;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field, past the value of the current one; false at the end.</summary>
    public bool Next()
    {
        if (!isRead) Skip();
        if (position == message.Length) return false;
        ulong key = ReadVarint();
        Field = key >> 3 is > 0 and <= int.MaxValue ? (int)(key >> 3) : throw Broken("a field number out of range");
        wireType = (int)(key & 7);
        isRead = false;
        return true;
    }

    /// <summary>The bytes of a string, of bytes, or of a message.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(2);
        ulong length = ReadVarint();
        if (length > (ulong)(message.Length - position)) throw Broken("a field longer than the rest");
        ReadOnlySpan<byte> bytes = message.Slice(position, (int)length);
        position += (int)length;
        return bytes;
    }

    /// <summary>A message inside this one.</summary>
    public ProtobufReader Message() => new(file, Bytes());

    /// <summary>A string.</summary>
    public string Text()
    {
        ReadOnlySpan<byte> bytes = Bytes();
        return System.Text.Unicode.Utf8.IsValid(bytes) ? System.Text.Encoding.UTF8.GetString(bytes) : throw Broken("a string that is not UTF-8");
    }

    /// <summary>An integer or an enumeration, negative numbers included.</summary>
    public int Integer()
    {
        Expect(0);
        return (int)(long)ReadVarint();
    }

    /// <summary>A truth value.</summary>
    public bool Flag()
    {
        Expect(0);
        return ReadVarint() != 0;
    }

    /// <summary>A float.</summary>
    public float Single()
    {
        Expect(5);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    private void Expect(int wanted)
    {
        if (wireType != wanted) throw Broken(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"field {Field} of wire type {wireType}, expected {wanted}"));
        isRead = true;
    }

    private void Skip()
    {
        isRead = true;
        switch (wireType)
        {
            case 0: _ = ReadVarint(); break;
            case 1: _ = Take(8); break;
            case 2: _ = Bytes(); break;
            case 5: _ = Take(4); break;
            default: throw Broken("an unknown wire type");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > message.Length - position) throw Broken("an end inside a number");
        position += count;
        return message.Slice(position - count, count);
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Broken("a number of more than ten bytes");
    }

    private readonly TokenizerException Broken(string found) => Fault.Malformed(file, "not a SentencePiece model (" + found + ")");
}
