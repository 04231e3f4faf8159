namespace Halfbit.Tokenization;

/// <summary>How ids become text again: the bytes of each token, and what is different at the start of a text.</summary>
/// <remarks>
/// The bytes of all tokens are strung together and read as UTF-8; what is not well-formed becomes U+FFFD as in the WHATWG's standard, also for
/// byte tokens (<c>&lt;0xE2&gt;</c>), where Hugging Face gives up a whole run of bytes if one part of it is bad.
/// That departure lets a stream show a character as soon as it is complete.
/// </remarks>
internal sealed class TokenDecoding
{
    private readonly byte[] bytes;
    private readonly int[] starts;
    private readonly Vocabulary vocabulary;
    private readonly DecodingRules rules;

    /// <param name="vocabulary">Texts of all tokens.</param>
    /// <param name="isAdded">[vocabulary size]; added tokens are not written in the byte alphabet.</param>
    /// <param name="rules">How a token's text is read.</param>
    public TokenDecoding(Vocabulary vocabulary, bool[] isAdded, DecodingRules rules)
    {
        this.vocabulary = vocabulary;
        this.rules = rules;
        starts = new int[vocabulary.Size + 1];
        var all = new ByteList(8 * vocabulary.Size);
        for (int id = 0; id < vocabulary.Size; id++)
        {
            if (vocabulary[id] is string text) all.Add(rules.BytesOf(text, isAdded[id]));
            starts[id + 1] = all.Count;
        }

        bytes = all.Span.ToArray();
    }

    /// <summary>The state before the first token.</summary>
    /// <param name="isContinuation">Whether other text precedes, so that nothing is taken off at the start.</param>
    public State Begin(bool isContinuation) => new(IsFirst: !isContinuation, ToStrip: isContinuation ? 0 : rules.StripAtStart);

    /// <summary>Appends the bytes of one token.</summary>
    public void Append(int id, ref State state, ByteList destination)
    {
        ReadOnlySpan<byte> token = bytes.AsSpan(starts[id]..starts[id + 1]);
        if (state.IsFirst && rules.FirstTokenLosesMarks && vocabulary[id] is string text) token = rules.BytesOfFirst(text);
        if (!state.IsFirst && rules.JoinsWithSpace) destination.Add((byte)' ');

        int stripped = 0;
        while (stripped < token.Length && stripped < state.ToStrip && token[stripped] == rules.Stripped) stripped++;
        destination.Add(token[stripped..]);

        bool isStillStripping = stripped == token.Length && stripped < state.ToStrip;
        state = new State(IsFirst: false, ToStrip: isStillStripping ? state.ToStrip - stripped : 0);
    }

    /// <summary>Where in the text the next token stands.</summary>
    internal readonly record struct State(bool IsFirst, int ToStrip);
}
