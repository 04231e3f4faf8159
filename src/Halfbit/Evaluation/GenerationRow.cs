namespace Halfbit.Evaluation;

/// <summary>Speed and memory of generating with a <see cref="SyntheticModel"/>.</summary>
public sealed record GenerationRow
{
    /// <summary>Blocks of LLaMA-7B.</summary>
    public const int WholeModel = 32;

    /// <summary>Form of the packed weights.</summary>
    public required string Form { get; init; }

    /// <summary>Blocks.</summary>
    public required int Blocks { get; init; }

    /// <summary>Threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Sequences decoded at once, each with a cache of its own.</summary>
    public required int Batch { get; init; }

    /// <summary>Packed weights.</summary>
    public required long WeightCount { get; init; }

    /// <summary>Tokens of the prompts per second.</summary>
    public required double PromptTokensPerSecond { get; init; }

    /// <summary>Seconds of one block for a new token of each sequence: the median pass.</summary>
    public required double BlockSeconds { get; init; }

    /// <summary>Seconds of norm, head and choice for a new token of each sequence: the median pass.</summary>
    public required double HeadSeconds { get; init; }

    /// <summary>Bytes of the packed weights as kernels read them, in the pages of the weights file.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of the table of tokens, which is read by every new token.</summary>
    public required long TableBytes { get; init; }

    /// <summary>Bytes of the weights file on the disk, packed weights and table included. It is mapped into memory, and opening the model and one token have touched all of it.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Bytes of keys and values of all sequences.</summary>
    public required long CacheBytes { get; init; }

    /// <summary>Bytes of the process in memory, mapped files included.</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>Bits per packed weight, as kernels read it.</summary>
    public double BitsPerWeight => 8.0 * WeightBytes / WeightCount;

    /// <summary>Bytes in memory that are neither the weights file's nor the cache's: program, runtime and activations.</summary>
    public long OtherBytes => ResidentBytes - FileBytes - CacheBytes;

    /// <summary>New tokens per second of all sequences together, head included.</summary>
    public double DecodeTokensPerSecond => Batch / ((Blocks * BlockSeconds) + HeadSeconds);

    /// <summary>Packed weights that meet an activation, per second, while blocks decode.</summary>
    public double WeightsPerSecond => (double)WeightCount * Batch / (Blocks * BlockSeconds);

    /// <summary>New tokens per second of all sequences together with <see cref="WholeModel"/> such blocks, without the head.</summary>
    public double WholeTokensPerSecond => Batch / (WholeModel * BlockSeconds);
}
