using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Models;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Evaluation.Scoring;

public sealed class LikelihoodScorerTests
{
    [Theory]
    [InlineData("probe-llama2-gqa", null)]
    [InlineData("probe-mistral", null)]
    [InlineData("probe-opt350", null)]
    [InlineData("probe-qwen2", 30)]
    public void Equals_each_sequence_run_alone(string name, int? limit)
    {
        using var probe = new Probe(name);
        ScoredSequence[] sequences = RandomSequences(probe, 40, limit ?? probe.Decoder.Config.VocabularySize);
        LikelihoodScore[] actual = Score(new LikelihoodScorer(probe.Decoder, limit), sequences);
        for (int s = 0; s < sequences.Length; s++)
        {
            (double expected, bool isGreedy) = Definition(probe.Decoder, sequences[s], limit ?? probe.Decoder.Config.VocabularySize);
            Assert.True(Math.Abs(expected - actual[s].LogLikelihood) <= 1e-5 * Math.Abs(expected), $"sequence {s}: expected {expected}, actual {actual[s].LogLikelihood}");
            Assert.Equal(isGreedy, actual[s].IsGreedy);
        }

        Assert.Contains(actual, s => s.IsGreedy);
        Assert.Contains(actual, s => !s.IsGreedy);
    }

    [Theory]
    [InlineData("probe-llama3")]
    [InlineData("probe-opt")]
    public void Company_and_threads_change_no_bit(string name)
    {
        using var probe = new Probe(name);
        ScoredSequence[] sequences = RandomSequences(probe, 40, probe.Decoder.Config.VocabularySize);
        var scorer = new LikelihoodScorer(probe.Decoder);
        LikelihoodScore[] alone = [.. sequences.Select(s => Score(scorer, [s])[0])];
        int threads = RowParallel.Threads;
        try
        {
            foreach (int count in (int[])[1, 2, 3])
            {
                RowParallel.Threads = count;
                Assert.Equal(alone, Score(scorer, sequences));
                Assert.Equal(alone.Reverse(), Score(scorer, [.. sequences.Reverse()]));
                Assert.Equal(alone[..7], Score(scorer, sequences[..7]));
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }
    }

    [Fact]
    public void Shared_beginnings_are_run_once_and_shared_rows_of_logits_computed_once()
    {
        using var probe = new Probe("probe-opt");
        int[] context = probe.Ids[..20];
        var scorer = new LikelihoodScorer(probe.Decoder);
        Score(scorer, [.. Enumerable.Range(3, 10).Select(id => new ScoredSequence(context, [id]))]);
        Assert.Equal((20, 1), (scorer.DistinctRows, scorer.LogitRows));

        // Two choices of three tokens that differ in the second, and one that is a beginning of the first.
        Score(scorer, [new([.. context, 5, 6], [5, 6, 7]), new([.. context, 5, 9], [5, 9, 7]), new(context, [5])]);
        Assert.Equal((23, 4), (scorer.DistinctRows, scorer.LogitRows));
        Score(scorer, []);
        Assert.Equal((0, 0), (scorer.DistinctRows, scorer.LogitRows));
    }

    [Fact]
    public void Among_equal_logits_the_lowest_id_is_greedy()
    {
        using var probe = new Probe("probe-opt");
        int size = probe.Decoder.Config.VocabularySize;
        LinearLayer head = probe.Decoder.Head;
        head.Weights = new Matrix(head.Rows, head.Weights.Columns);
        LikelihoodScore[] scores = Score(new LikelihoodScorer(probe.Decoder), [new([5], [0]), new([5], [1]), new([5], [size - 1]), new([5, 6], [0, 0]), new([5, 6], [0, 1])]);
        Assert.Equal([true, false, false, true, false], scores.Select(s => s.IsGreedy));
        Assert.Equal([1, 1, 1, 2, 2], scores.Select(s => Math.Round(-s.LogLikelihood / Math.Log(size), 6)));
    }

    [Fact]
    public void Logits_that_are_not_finite_are_an_error_that_names_the_place()
    {
        using var probe = new Probe("probe-llama2-gqa");
        LinearLayer head = probe.Decoder.Head;
        Matrix damaged = Matrix.Expand(head.Weights);
        damaged[7, 3] = float.NaN;
        head.Weights = damaged;
        var exception = Assert.Throws<NumericsException>(() => Score(new LikelihoodScorer(probe.Decoder), [new([3, 4], [5])]));
        Assert.Contains("not finite at position 1 of sequence 0", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Misuse_is_refused()
    {
        using var probe = new Probe("probe-opt");
        var scorer = new LikelihoodScorer(probe.Decoder, 50);
        ScoredSequence good = new([3, 4], [5]);
        foreach (ScoredSequence bad in (ScoredSequence[])[new([], []), new([3], []), new([3], [4, 5]), new([3], [50]), new([3], [-1]), new([-1], [3]), default])
            Assert.Throws<ArgumentException>(() => Score(scorer, [good, bad]));
        Assert.Throws<ArgumentException>(() => scorer.Score([good], []));
        Assert.Throws<ArgumentException>(() => new LikelihoodScorer(probe.Decoder, 0));
        Assert.Throws<ArgumentException>(() => new LikelihoodScorer(probe.Decoder, probe.Decoder.Config.VocabularySize + 1));
        Assert.Single(Score(scorer, [good])); // after errors it still works
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(100)]
    [InlineData(100000)]
    public void Batches_hold_whole_items_and_as_many_as_fit(int batchRows)
    {
        using var probe = new Probe("probe-opt");
        ScoredSequence[][] items = [.. RandomSequences(probe, 60, 50).Chunk(3)];
        var covered = new List<int>();
        Range[] batches = [.. ScoringBatches.Cut(items, batchRows)];
        foreach (Range range in batches)
        {
            (int first, int count) = range.GetOffsetAndLength(items.Length);
            covered.AddRange(Enumerable.Range(first, count));
            Assert.True(count == 1 || DistinctBeginnings(items[range]) <= batchRows);
            if (first + count < items.Length) Assert.True(DistinctBeginnings(items[first..(first + count + 1)]) > batchRows);
        }

        Assert.Equal(Enumerable.Range(0, items.Length), covered);
        Assert.Empty(ScoringBatches.Cut([], batchRows));
        Assert.Throws<ArgumentOutOfRangeException>(() => ScoringBatches.Cut(items, 0));
    }

    [SharedTheory]
    [InlineData("bos", true)]
    [InlineData("nobos", false)]
    public void Likelihoods_of_a_trained_model_equal_the_reference(string field, bool hasBos)
    {
        string folder = TestData.SharedPath("models", "opt-6m");
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedPath("reference", "zero-shot", "opt-6m-piqa.json")));
        string[] lines = File.ReadAllLines(TestData.SharedPath("tasks", "piqa.jsonl"));
        (var items, var expected) = (new List<ScoredSequence[]>(), new List<(double Likelihood, bool IsGreedy)>());
        foreach (JsonElement item in reference.RootElement.GetProperty(field).GetProperty("items").EnumerateArray())
        {
            using JsonDocument task = JsonDocument.Parse(lines[item.GetProperty("index").GetInt32()]);
            string Text(string name) => task.RootElement.GetProperty(name).GetString()!;
            var sequences = new List<ScoredSequence>();
            foreach ((JsonElement choice, string solution) in item.GetProperty("choices").EnumerateArray().Zip([Text("sol1"), Text("sol2")]))
            {
                int[] ids = tokenizer.Encode($"Question: {Text("goal")}\nAnswer: {solution}", addSpecial: hasBos);
                int[] targets = ids[choice.GetProperty("ctx_tokens").GetInt32()..];
                Assert.Equal(choice.GetProperty("cont_ids").Deserialize<int[]>(), targets);
                sequences.Add(new ScoredSequence(ids[..^1], targets));
                expected.Add((choice.GetProperty("ll").GetDouble(), choice.GetProperty("greedy").GetBoolean()));
            }

            items.Add([.. sequences]);
        }

        var scorer = new LikelihoodScorer(Decoder.Open(checkpoint));
        LikelihoodScore[] actual = [.. ScoringBatches.Cut(items, 1000).SelectMany(range => Score(scorer, [.. items.Take(range).SelectMany(i => i)]))];
        Assert.Equal(expected.Count, actual.Length);
        Assert.Equal(80, actual.Length);
        for (int s = 0; s < actual.Length; s++)
        {
            Assert.True(Math.Abs(expected[s].Likelihood - actual[s].LogLikelihood) <= 1e-3, $"sequence {s}: expected {expected[s].Likelihood}, actual {actual[s].LogLikelihood}");
            Assert.Equal(expected[s].IsGreedy, actual[s].IsGreedy);
        }
    }

    private static LikelihoodScore[] Score(LikelihoodScorer scorer, ScoredSequence[] sequences)
    {
        var scores = new LikelihoodScore[sequences.Length];
        scorer.Score(sequences, scores);
        return scores;
    }

    private static int DistinctBeginnings(ScoredSequence[][] items)
        => items.SelectMany(i => i).SelectMany(s => Enumerable.Range(1, s.Inputs.Length).Select(n => string.Join(' ', s.Inputs.Take(n)))).Distinct().Count();

    /// <summary>Seeded sequences that often share beginnings of any length; some targets are what the model prefers.</summary>
    private static ScoredSequence[] RandomSequences(Probe probe, int count, int limit)
    {
        var random = new PythonRandom(11);
        int Below(int end) => (int)(random.NextDouble() * end);
        var sequences = new List<ScoredSequence>();
        while (sequences.Count < count)
        {
            int[] from = sequences.Count == 0 || Below(6) == 0 ? [1] : sequences[Below(sequences.Count)].Inputs;
            int[] inputs = [.. from.AsSpan(0, 1 + Below(from.Length)), .. Enumerable.Range(0, Below(12)).Select(_ => Below(limit))];
            if (inputs.Length > 64) continue;
            int[] targets = [.. Enumerable.Range(0, 1 + Below(Math.Min(inputs.Length, 5))).Select(_ => Below(limit))];
            if (Below(2) == 0)
            {
                Matrix logits = probe.Decoder.Logits(inputs);
                for (int t = 0; t < targets.Length; t++) targets[t] = FirstLargest(logits.Row(inputs.Length - targets.Length + t)[..limit]);
            }

            sequences.Add(new ScoredSequence(inputs, targets));
        }

        return [.. sequences];
    }

    private static (double LogLikelihood, bool IsGreedy) Definition(Decoder decoder, ScoredSequence sequence, int limit)
    {
        Matrix logits = decoder.Logits(sequence.Inputs);
        (double sum, bool isGreedy) = (0, true);
        for (int t = 0; t < sequence.Targets.Length; t++)
        {
            Span<float> row = logits.Row(sequence.Inputs.Length - sequence.Targets.Length + t)[..limit];
            sum += row[sequence.Targets[t]] - ModelReference.LogSumExpOf(row);
            isGreedy &= FirstLargest(row) == sequence.Targets[t];
        }

        return (sum, isGreedy);
    }

    private static int FirstLargest(ReadOnlySpan<float> values)
    {
        int largest = 0;
        for (int j = 1; j < values.Length; j++)
        {
            if (values[j] > values[largest]) largest = j;
        }

        return largest;
    }
}
