namespace Halfbit.Evaluation;

/// <summary>Sizes of a <see cref="SyntheticModel"/>, a model of the LLaMA family.</summary>
/// <param name="Hidden">Features of the hidden state, ≥ 1.</param>
/// <param name="FeedForward">Features between the two linear layers of a feed-forward part, ≥ 1.</param>
/// <param name="Heads">Heads of queries, keys and values; divides <paramref name="Hidden"/>.</param>
/// <param name="Vocabulary">Tokens, ≥ 3.</param>
public sealed record SyntheticShape(int Hidden, int FeedForward, int Heads, int Vocabulary)
{
    /// <summary>LLaMA-7B.</summary>
    public static SyntheticShape Llama7B { get; } = new(4096, 11008, 32, 32000);

    /// <summary>Packed weights of a block.</summary>
    public long WeightsPerBlock => Linears.Sum(l => (long)l.Rows * l.Columns);

    /// <summary>The linear layers of a block: name within it, outputs, inputs.</summary>
    internal IReadOnlyList<(string Name, int Rows, int Columns)> Linears =>
    [
        ("self_attn.q_proj", Hidden, Hidden), ("self_attn.k_proj", Hidden, Hidden), ("self_attn.v_proj", Hidden, Hidden), ("self_attn.o_proj", Hidden, Hidden),
        ("mlp.gate_proj", FeedForward, Hidden), ("mlp.up_proj", FeedForward, Hidden), ("mlp.down_proj", Hidden, FeedForward),
    ];
}
