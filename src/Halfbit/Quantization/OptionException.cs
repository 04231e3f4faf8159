namespace Halfbit.Quantization;

/// <summary>An option that does not exist, or a value out of its range: wrong usage. The message is one line.</summary>
public sealed class OptionException : Exception
{
    /// <summary>An error with its one-line message.</summary>
    public OptionException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its one-line message and the error behind it.</summary>
    public OptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public OptionException()
    {
    }
}
