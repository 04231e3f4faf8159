namespace Halfbit.Tokenization;

/// <summary>The special tokens that a checkpoint wants around a text.</summary>
/// <param name="Before">Ids before the text, for instance BOS.</param>
/// <param name="After">Ids after it.</param>
internal sealed record SequenceFrame(int[] Before, int[] After)
{
    public static SequenceFrame None { get; } = new([], []);

    /// <summary>This frame with another one around it.</summary>
    public SequenceFrame Inside(SequenceFrame outer) => new([.. outer.Before, .. Before], [.. After, .. outer.After]);

    /// <summary>BOS before and EOS after, as far as they are wanted and exist.</summary>
    public static SequenceFrame Of(bool addsBos, int? bosId, bool addsEos, int? eosId)
        => new(addsBos && bosId is int bos ? [bos] : [], addsEos && eosId is int eos ? [eos] : []);
}
