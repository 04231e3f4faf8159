namespace Halfbit.Pipeline;

/// <summary>A job that cannot start or go on. The message is one line with the remedy.</summary>
public sealed class PipelineException : Exception
{
    /// <summary>An error with its one-line message.</summary>
    public PipelineException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its one-line message and the error behind it.</summary>
    public PipelineException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public PipelineException()
    {
    }
}
