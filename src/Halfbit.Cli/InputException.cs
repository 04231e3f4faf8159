namespace Halfbit.Cli;

/// <summary>Something the user gave that cannot be used: a missing file, an empty text. The message is one line.</summary>
internal sealed class InputException : Exception
{
    public InputException(string message)
        : base(message)
    {
    }

    public InputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public InputException()
    {
    }
}
