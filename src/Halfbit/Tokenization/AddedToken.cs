namespace Halfbit.Tokenization;

/// <summary>A token that is found in text as a whole, before anything is split or merged.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">What is searched for.</param>
internal sealed record AddedToken(int Id, string Content)
{
    /// <summary>Whether it is a control token: not searched for in plain text, and left out of decoded text.</summary>
    public bool IsSpecial { get; init; }

    /// <summary>Whether it is searched for in normalized text, not in the text as given.</summary>
    public bool IsNormalized { get; init; }

    /// <summary>Whether white space before it belongs to it.</summary>
    public bool TakesSpaceBefore { get; init; }

    /// <summary>Whether white space after it belongs to it.</summary>
    public bool TakesSpaceAfter { get; init; }

    /// <summary>Whether it must not touch word characters.</summary>
    public bool IsSingleWord { get; init; }
}
