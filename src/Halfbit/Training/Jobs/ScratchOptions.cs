namespace Halfbit.Training;

/// <summary>Training of a model from nothing.</summary>
public sealed record ScratchOptions
{
    /// <summary>config.json of the model, in Hugging Face layout.</summary>
    public required string ConfigFile { get; init; }

    /// <summary>Folder with the tokenizer; null: that of the config.</summary>
    public string? TokenizerFolder { get; init; }

    /// <summary>Folder to write; complete or absent.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Text, steps and optimizer.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>Whether to go on with a partial job.</summary>
    public bool Resume { get; init; }

    /// <summary>Whether an existing output, or a partial job, may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Where the tokenizer is.</summary>
    internal string Tokenizer => TokenizerFolder ?? Path.GetDirectoryName(Path.GetFullPath(ConfigFile))!;
}
