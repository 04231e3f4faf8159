namespace Halfbit.Numerics;

/// <summary>A computation that cannot go on: a matrix that is not positive definite, a value that is not finite.</summary>
public sealed class NumericsException : Exception
{
    /// <summary>An error with a message that says what was found, where, and what to do.</summary>
    public NumericsException(string message)
        : base(message)
    {
    }

    /// <summary>An error caused by another.</summary>
    public NumericsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error without a message.</summary>
    public NumericsException()
    {
    }
}
