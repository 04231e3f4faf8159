using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Reads the description of tiles; every number is checked before it is believed.</summary>
internal ref struct TileReader(ReadOnlySpan<byte> bytes, string where)
{
    private const int MostExponent = 126;
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private readonly string where = where;
    private int at;

    /// <summary>Some bytes.</summary>
    public ReadOnlySpan<byte> Take(string field, int count)
    {
        if (count > bytes.Length - at) throw TileHeader.Damaged(where, $"the description ends within {field}");
        ReadOnlySpan<byte> taken = bytes.Slice(at, count);
        at += count;
        return taken;
    }

    /// <summary>A byte from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public int Byte(string field, int least, int most) => InRange(field, Take(field, 1)[0], least, most);

    /// <summary>0 or 1.</summary>
    public bool Flag(string field) => Byte(field, 0, 1) == 1;

    /// <summary>A number of 32 bits from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public int Number(string field, int least, int most) => InRange(field, BinaryPrimitives.ReadInt32LittleEndian(Take(field, sizeof(int))), least, most);

    /// <summary>Finite numbers.</summary>
    public float[] Floats(string field, int count)
    {
        var numbers = new float[count];
        foreach (ref float number in numbers.AsSpan())
        {
            number = BinaryPrimitives.ReadSingleLittleEndian(Take(field, sizeof(float)));
            if (!float.IsFinite(number)) throw Bad(field);
        }

        return numbers;
    }

    /// <summary>How scales are stored.</summary>
    public ScaleFormat Format(string field)
    {
        var kind = (ScaleKind)Byte(field, 0, (int)ScaleKind.Byte);
        int exponent = InRange(field, (sbyte)Take(field, 1)[0], kind == ScaleKind.Exact ? 0 : -MostExponent, kind == ScaleKind.Exact ? 0 : MostExponent);
        return new ScaleFormat(kind, exponent);
    }

    /// <summary>How several scales are stored.</summary>
    public ScaleFormat[] Formats(string field, int count)
    {
        var formats = new ScaleFormat[count];
        foreach (ref ScaleFormat format in formats.AsSpan()) format = Format(field);
        return formats;
    }

    /// <summary>A number, if it is from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public readonly int InRange(string field, long number, int least, int most)
        => number >= least && number <= most ? (int)number : throw TileHeader.Damaged(where, $"{field}: {number}, expected {least} to {most}");

    /// <summary>The exception for a field that contradicts others.</summary>
    public readonly CheckpointException Bad(string field) => TileHeader.Damaged(where, $"{field} contradict themselves");

    /// <summary>Refuses what follows the description.</summary>
    public readonly void End()
    {
        if (at != bytes.Length) throw TileHeader.Damaged(where, $"{bytes.Length - at} bytes follow the description");
    }
}
