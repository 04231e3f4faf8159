using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>The four bytes that describe one group of a matrix of grouped signs: which tables it has, and their number formats.</summary>
/// <param name="Planes">Sign planes, 1 or 2.</param>
/// <param name="Alpha">How row scales are stored.</param>
/// <param name="Mu">How means are stored; null: none.</param>
/// <param name="Beta">How column scales are stored; null: none.</param>
internal readonly record struct GroupLayout(int Planes, ScaleFormat Alpha, ScaleFormat? Mu, ScaleFormat? Beta)
{
    private const int CodedKind = 3;
    private const int SharedBetaFlag = 2;

    public const int ByteCount = 4;

    /// <summary>Whether row scales are bytes that are coded; see <see cref="ScaleCode"/>.</summary>
    public bool HasCodedAlpha { get; init; }

    /// <summary>Whether all planes take the column scales of the first plane of the first group for the same columns.</summary>
    public bool SharesBeta { get; init; }

    public static GroupLayout Of(SignGroup group)
        => new(group.Planes, Checked(group.AlphaFormat), group.Mu is null ? null : Checked(group.MuFormat), group.Beta is null ? null : Checked(group.BetaFormat));

    public void Write(Span<byte> bytes)
    {
        bytes[0] = (byte)((Planes - 1) | (SharesBeta ? SharedBetaFlag : 0) | ((HasCodedAlpha ? CodedKind : (int)Alpha.Kind) << 2) | (KindOf(Mu) << 4) | (KindOf(Beta) << 6));
        bytes[1] = (byte)(sbyte)Alpha.Exponent;
        bytes[2] = (byte)(sbyte)(Mu?.Exponent ?? 0);
        bytes[3] = (byte)(sbyte)(Beta?.Exponent ?? 0);
    }

    /// <exception cref="Halfbit.Checkpoints.CheckpointException">The bytes describe no group.</exception>
    public static GroupLayout Read(ReadOnlySpan<byte> bytes, int group, string where)
    {
        int flags = bytes[0];
        int alphaKind = flags >> 2 & 3;
        ScaleFormat? alpha = FormatOf(Math.Min(alphaKind, (int)ScaleKind.Byte) + 1, (sbyte)bytes[1]);
        ScaleFormat? mu = FormatOf(flags >> 4 & 3, (sbyte)bytes[2]);
        ScaleFormat? beta = FormatOf(flags >> 6, (sbyte)bytes[3]);
        bool sharesBeta = (flags & SharedBetaFlag) != 0;
        if ((sharesBeta && beta is null) || alpha is null || IsWrong(mu, flags >> 4 & 3, bytes[2]) || IsWrong(beta, flags >> 6, bytes[3]))
            throw BlobError.Damaged(where, $"group {group} is described by {flags}, {bytes[1]}, {bytes[2]}, {bytes[3]}, which fit no known group");
        return new GroupLayout((flags & 1) + 1, alpha.Value, mu, beta) { HasCodedAlpha = alphaKind == CodedKind, SharesBeta = sharesBeta };
    }

    private static ScaleFormat Checked(ScaleFormat format)
    {
        if (format.Kind == ScaleKind.Exact) return ScaleFormat.Exact;
        return format.Exponent is >= -126 and <= 126 ? format : throw new ArgumentException($"the exponent {format.Exponent} of a scale format is outside -126 to 126", nameof(format));
    }

    /// <summary>0 without a table, else 1 single, 2 half, 3 byte.</summary>
    private static int KindOf(ScaleFormat? format) => format is ScaleFormat f ? (int)f.Kind + 1 : 0;

    private static ScaleFormat? FormatOf(int kind, int exponent)
        => kind is < 1 or > 3 || exponent is < -126 or > 126 || (kind == 1 && exponent != 0) ? null : new ScaleFormat((ScaleKind)(kind - 1), exponent);

    private static bool IsWrong(ScaleFormat? format, int kind, byte exponent) => format is null && (kind != 0 || exponent != 0);
}
