namespace Halfbit.Calibration;

/// <summary>A calibration text that cannot be used. The message is one line with the remedy.</summary>
public sealed class CalibrationException : Exception
{
    /// <summary>An error with its one-line message.</summary>
    public CalibrationException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its one-line message and the error behind it.</summary>
    public CalibrationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public CalibrationException()
    {
    }
}
