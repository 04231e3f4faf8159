namespace Halfbit.Training;

/// <summary>Training that cannot be done with what was given. The message is one line with the remedy.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>An error with its one-line message.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its one-line message and the error behind it.</summary>
    public TrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public TrainingException()
    {
    }
}
