using System.Text;

namespace Halfbit.Tokenization;

/// <summary>Decodes tokens one by one, as a generator makes them.</summary>
/// <remarks>
/// A character may be spread over several tokens; it is returned with the token that completes it. All that was returned,
/// with <see cref="Finish"/> at the end, equals <see cref="Tokenizer.Decode"/> of all ids.
/// </remarks>
public sealed class TokenStreamDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecial;
    private readonly Decoder utf8 = Encoding.UTF8.GetDecoder();
    private readonly ByteList bytes = new();
    private TokenDecoding.State state;

    /// <summary>A decoder at the start of a text.</summary>
    /// <param name="tokenizer">The tokenizer of the ids.</param>
    /// <param name="skipSpecial">Leaves special tokens out.</param>
    /// <param name="isContinuation">Whether the text goes on from other text, such as a prompt: then the first token keeps its leading space.</param>
    public TokenStreamDecoder(Tokenizer tokenizer, bool skipSpecial = true, bool isContinuation = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
        state = tokenizer.BeginDecoding(isContinuation);
    }

    /// <summary>Takes one token.</summary>
    /// <param name="id">Token id.</param>
    /// <returns>The characters that are complete with this token; often empty.</returns>
    /// <exception cref="TokenizerException">The id is outside the vocabulary.</exception>
    public string Append(int id)
    {
        bytes.Clear();
        tokenizer.AppendBytes(id, skipSpecial, ref state, bytes);
        return Decode(flush: false);
    }

    /// <summary>Ends the text.</summary>
    /// <returns>U+FFFD when the text ends inside a character; else empty.</returns>
    public string Finish()
    {
        bytes.Clear();
        return Decode(flush: true);
    }

    private string Decode(bool flush)
    {
        Span<char> characters = bytes.Count < 128 ? stackalloc char[128 + 4] : new char[bytes.Count + 4];
        int count = utf8.GetChars(bytes.Span, characters, flush);
        return new string(characters[..count]);
    }
}
