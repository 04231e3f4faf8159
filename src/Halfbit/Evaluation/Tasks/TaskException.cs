namespace Halfbit.Evaluation;

/// <summary>A task, its data or an earlier run of it cannot be used. The message is one line that names the file, the field and the remedy.</summary>
public sealed class TaskException : Exception
{
    /// <summary>An error with its one-line message.</summary>
    public TaskException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its one-line message and the error behind it.</summary>
    public TaskException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public TaskException()
    {
    }
}
