namespace Halfbit.Tokenization;

/// <summary>Tokenizer files that are missing, malformed or of an unsupported kind, and token ids that the vocabulary does not have.</summary>
public sealed class TokenizerException : Exception
{
    /// <summary>An error with a message that says what was found, what was expected, where, and what to do.</summary>
    public TokenizerException(string message)
        : base(message)
    {
    }

    /// <summary>An error caused by another.</summary>
    public TokenizerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public TokenizerException()
    {
    }
}
