using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Pipeline;
using Halfbit.Tokenization;

namespace Halfbit.Training;

/// <summary>The texts of a training: what is learnt, and what is measured.</summary>
/// <param name="Text">What is learnt.</param>
/// <param name="Evaluation">Tokens of the evaluation text, as <c>halfbit eval</c> reads them; null: there is none.</param>
/// <param name="Window">Tokens of its windows.</param>
internal sealed record TrainingTexts(TrainingText Text, int[]? Evaluation, int Window)
{
    /// <summary>Reads the texts.</summary>
    /// <param name="folder">Where the tokenizer is.</param>
    /// <param name="config">The model.</param>
    /// <param name="options">Files and sizes.</param>
    /// <exception cref="TrainingException">A text is missing, empty or too short, or a length is not the model's.</exception>
    public static TrainingTexts Read(string folder, ModelConfig config, TrainingOptions options)
    {
        int length = options.LengthFor(config);
        int window = options.EvaluationWindow ?? length;
        CheckLength("--seq-len", length, config);
        CheckLength("--eval-window", window, config);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        int[] tokens = TrainingText.Read(options.Data, tokenizer);
        CheckIds(tokens, config, folder);
        var text = new TrainingText(tokens, length, options.Batch, options.Seed, string.Join(", ", options.Data));
        int[]? evaluation = options.EvaluationFile is string file ? EvaluationTokens(tokenizer, file) : null;
        if (evaluation is null) return new TrainingTexts(text, null, window);
        CheckIds(evaluation, config, folder);
        if (evaluation.Length < window) throw new TrainingException($"{options.EvaluationFile}: the evaluation text has {evaluation.Length} tokens, one window needs {window}; use a longer text or a smaller --eval-window");
        return new TrainingTexts(text, evaluation, window);
    }

    /// <summary>Perplexity of a model under training on the first tokens of the evaluation text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">How many tokens, about; at least one window.</param>
    /// <param name="atOnce">Tokens that pass at once in training: with as many here, memory is used again.</param>
    public double Measure(TrainableModel<float> model, int tokens, int atOnce)
    {
        int windows = Math.Max(1, Math.Min(tokens, Evaluation!.Length) / Window);
        int together = Math.Clamp(atOnce / Window, 1, windows);
        LossSums sums = default;
        for (int first = 0; first + together <= windows; first += together)
        {
            ReadOnlySpan<int> ids = Evaluation.AsSpan(first * Window, together * Window);
            var targets = new int[ids.Length];
            for (int t = 0; t < ids.Length; t++) targets[t] = (t + 1) % Window == 0 ? CrossEntropyOperation.NotCounted : ids[t + 1];
            sums += model.Evaluate(ids, targets, Window);
        }

        return Math.Exp(sums.NegativeLogLikelihood / sums.Tokens);
    }

    /// <summary>Perplexity of a written model on the whole evaluation text, by the way of <c>halfbit eval</c>; null without a text.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    public double? MeasureWritten(string folder, CancellationToken cancellation)
    {
        if (Evaluation is null) return null;
        using ModelFolder written = ModelFolder.Open(folder, ActivationPrecision.EightBits);
        return Perplexity.Measure(written.Decoder, Evaluation, new PerplexityOptions { Window = Window }, cancellation: cancellation).Value;
    }

    /// <summary>Plain text, the beginning-of-text token once where the tokenizer adds one.</summary>
    private static int[] EvaluationTokens(Tokenizer tokenizer, string path)
    {
        int[] ids = tokenizer.Encode(TrainingText.ReadText(path, "evaluation text"), addSpecial: false);
        int[] frame = tokenizer.Encode(string.Empty, addSpecial: true);
        return tokenizer.BosId is int bos && frame.Length > 0 && frame[0] == bos ? [bos, .. ids] : ids;
    }

    private static void CheckLength(string option, int length, ModelConfig config)
    {
        if (length < 2 || length > config.MaxPositions) throw new TrainingException($"{option} is {length}, expected 2 to the model's context of {config.MaxPositions} (max_position_embeddings)");
    }

    private static void CheckIds(int[] tokens, ModelConfig config, string folder)
    {
        int outside = Array.FindIndex(tokens, id => id >= config.VocabularySize);
        if (outside >= 0) throw new TrainingException($"{folder}: the tokenizer gives id {tokens[outside]}, config.json has vocab_size {config.VocabularySize}; the tokenizer belongs to another model");
    }
}
