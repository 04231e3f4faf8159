namespace Halfbit.Evaluation;

/// <summary>Whose conventions hold: those of EleutherAI's lm-evaluation-harness have changed.</summary>
public enum Harness
{
    /// <summary>Context and continuation are encoded together, BOS as the tokenizer adds it (0.4.9.2 and later).</summary>
    Current,

    /// <summary>Version 0.3.0, of the time of PB-LLM's paper: encoded apart, no BOS, the first 50257 logits only, documents shuffled before a limit.</summary>
    Version03,
}

/// <summary>Whether a context begins with BOS.</summary>
public enum BosRule
{
    /// <summary>As the harness's version does: current, what the tokenizer adds; 0.3, none.</summary>
    Auto,

    /// <summary>Always: the tokenizer's BOS, else its EOS.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}
