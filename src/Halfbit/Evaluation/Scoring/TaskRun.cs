using Halfbit.Models;
using Halfbit.Tokenization;

namespace Halfbit.Evaluation;

/// <summary>How tasks are run.</summary>
public sealed record TaskRunOptions
{
    /// <summary>Whose conventions.</summary>
    public Harness Harness { get; init; } = Harness.Current;

    /// <summary>Whether contexts begin with BOS.</summary>
    public BosRule Bos { get; init; } = BosRule.Auto;

    /// <summary>Only so many documents of each task; null: all.</summary>
    /// <value>≥ 1.</value>
    public int? Limit { get; init; }

    /// <summary>Tokens that the model runs at once; null: its context length.</summary>
    /// <value>≥ 1.</value>
    public int? MaxLength { get; init; }
}

/// <summary>How far a run is.</summary>
/// <param name="TaskName">The task that runs.</param>
/// <param name="Documents">Its documents that are answered.</param>
/// <param name="AllDocuments">All its documents.</param>
/// <param name="Share">Share of this run's text that is done, 0 to 1.</param>
public readonly record struct TaskRunProgress(string TaskName, int Documents, int AllDocuments, double Share);

/// <summary>Runs tasks on a model: every choice of every document is scored, shared prefixes once.</summary>
public sealed class TaskRun
{
    /// <summary>Logits that version 0.3 looked at: GPT-2's vocabulary.</summary>
    private const int Version03Logits = 50257;

    /// <summary>Documents that are tokenized at once.</summary>
    private const int DocumentsAtOnce = 512;

    private readonly RequestEncoder encoder;
    private readonly LikelihoodScorer scorer;
    private readonly TaskLibrary library;
    private readonly TaskRunOptions options;
    private readonly AnswerLog? log;

    /// <summary>A run.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="library">The tasks' data.</param>
    /// <param name="options">How.</param>
    /// <param name="log">Where answers are kept, or null.</param>
    /// <exception cref="TaskException">BOS is asked for, and the tokenizer has none.</exception>
    public TaskRun(Decoder decoder, Tokenizer tokenizer, TaskLibrary library, TaskRunOptions options, AnswerLog? log = null)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        this.library = library;
        this.options = options;
        this.log = log;
        encoder = new RequestEncoder(tokenizer, options.Harness, options.Bos, MaxLengthOf(decoder, options));
        scorer = new LikelihoodScorer(decoder, options.Harness == Harness.Version03 && decoder.Config.VocabularySize > Version03Logits ? Version03Logits : null);
    }

    /// <summary>Whether contexts begin with BOS in this run.</summary>
    public bool AddsBos => encoder.AddsBos;

    /// <summary>Tokens that the model really ran in the last call of <see cref="Run"/>; those of shared prefixes count once per batch.</summary>
    public long DistinctTokens { get; private set; }

    /// <summary>Tokens that a run has at once.</summary>
    /// <exception cref="TaskException">More are asked for than the model has positions.</exception>
    public static int MaxLengthOf(Decoder decoder, TaskRunOptions options)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        int length = options.MaxLength ?? decoder.Config.MaxPositions;
        return length <= (decoder.PositionLimit ?? int.MaxValue) ? length : throw new TaskException($"{length} tokens at once are asked for, the model has positions for {decoder.PositionLimit}; lower --max-length");
    }

    /// <summary>Runs tasks; all data are read and checked before the model starts.</summary>
    /// <param name="tasks">The tasks, in order.</param>
    /// <param name="progress">Told after each batch, or null.</param>
    /// <param name="cancellation">Looked at in each pass.</param>
    /// <returns>A score for each task.</returns>
    /// <exception cref="TaskException">Data are missing or wrong, or a request cannot be scored.</exception>
    /// <exception cref="Numerics.NumericsException">Logits are not finite.</exception>
    public IReadOnlyList<TaskScore> Run(IReadOnlyList<TaskDefinition> tasks, Action<TaskRunProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        DistinctTokens = 0;
        long characters = tasks.Sum(task => Open(task).Sum(Size));
        long done = 0;
        var scores = new List<TaskScore>();
        foreach (TaskDefinition task in tasks)
        {
            IReadOnlyList<TaskItem> items = TaskItems.Load(task, library, options.Limit, options.Harness);
            var answers = new ItemAnswer?[items.Count];
            for (int i = 0; i < items.Count; i++) answers[i] = log?.TryFind(task.Name, items[i].Index);
            int[] open = [.. Enumerable.Range(0, items.Count).Where(i => answers[i] is null)];
            int answered = items.Count - open.Length;
            foreach (int[] some in open.Chunk(DocumentsAtOnce))
            {
                Score(task, [.. some.Select(i => items[i])], (first, batch) =>
                {
                    for (int i = 0; i < batch.Length; i++)
                    {
                        answers[some[first + i]] = batch[i];
                        done += Size(items[some[first + i]]);
                    }

                    answered += batch.Length;
                    progress?.Invoke(new TaskRunProgress(task.Name, answered, items.Count, (double)done / characters));
                }, cancellation);
            }

            scores.Add(new TaskScore(task, [.. answers.Select(a => a!)]));
        }

        return scores;
    }

    private IEnumerable<TaskItem> Open(TaskDefinition task)
        => TaskItems.Load(task, library, options.Limit, options.Harness).Where(item => log?.TryFind(task.Name, item.Index) is null);

    /// <summary>Characters of the context and of all choices: the work, roughly.</summary>
    private static long Size(TaskItem item) => item.Requests[0].Context.Length + item.Requests.Sum(r => (long)r.Continuation.Length);

    private void Score(TaskDefinition task, IReadOnlyList<TaskItem> items, Action<int, ItemAnswer[]> answered, CancellationToken cancellation)
    {
        EncodedRequest[][] encoded = [.. items.Select(item => Encode(task, item))];
        ScoredSequence[][] sequences = [.. encoded.Select(requests => requests.Select(r => r.Sequence).ToArray())];
        foreach (Range range in ScoringBatches.Cut(sequences))
        {
            ScoredSequence[] together = [.. sequences[range].SelectMany(s => s)];
            var scores = new LikelihoodScore[together.Length];
            scorer.Score(together, scores, cancellation);
            DistinctTokens += scorer.DistinctRows;
            int next = 0;
            (int first, int count) = range.GetOffsetAndLength(items.Count);
            var answers = new ItemAnswer[count];
            for (int i = 0; i < count; i++)
            {
                LikelihoodScore[] own = scores[next..(next += encoded[first + i].Length)];
                answers[i] = new ItemAnswer(
                    items[first + i].Index, items[first + i].Gold,
                    [.. own.Select(s => s.LogLikelihood)], [.. own.Select(s => s.IsGreedy)], items[first + i].Lengths,
                    [.. encoded[first + i].Select(e => e.ContextTokens)], [.. encoded[first + i].Select(e => e.Truncated)]);
            }

            log?.Append(task.Name, answers);
            answered(first, answers);
        }
    }

    private EncodedRequest[] Encode(TaskDefinition task, TaskItem item)
    {
        try
        {
            return [.. item.Requests.Select(encoder.Encode)];
        }
        catch (TaskException exception)
        {
            throw new TaskException($"task '{task.Name}', document {item.Index}: {exception.Message}", exception);
        }
    }
}
