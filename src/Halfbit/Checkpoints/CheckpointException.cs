namespace Halfbit.Checkpoints;

/// <summary>A file of a checkpoint that cannot be used. The message is one line: file, field, what was found and expected, and the remedy.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>An error with its one-line message.</summary>
    public CheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its one-line message and the error behind it.</summary>
    public CheckpointException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public CheckpointException()
    {
    }
}
