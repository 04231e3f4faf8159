namespace Halfbit.Tokenization;

internal sealed class UnicodeNormalizer(bool composes, bool isCompatible) : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        _ = composes; _ = isCompatible;
        return text;
    }
}
