using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

/// <summary>A batch whose sequences share beginnings: each row has the bits of the sequence that ends there, run alone.</summary>
public sealed class BranchTests
{
    public static TheoryData<string> Probes => ["probe-llama2-gqa", "probe-llama3", "probe-mistral", "probe-qwen2", "probe-opt", "probe-opt350"];

    [Theory]
    [MemberData(nameof(Probes))]
    public void Every_row_of_a_random_tree_has_the_bits_of_its_sequence_alone(string name)
    {
        using var probe = new Probe(name);
        int threads = RowParallel.Threads;
        try
        {
            for (int seed = 1; seed <= 4; seed++)
            {
                RandomTree tree = RandomTree.Create(seed, probe.Decoder.Config.VocabularySize, segments: 14, deepest: 4, longest: 64);
                RowParallel.Threads = 1;
                Matrix[] expected = [.. tree.Sequences.Select(s => Matrix.CopyOf(probe.Decoder.Forward(new SequenceBatch(s)).View.RowRange(0, s.Length)))];
                foreach (int count in (int[])[1, 2, 3])
                {
                    RowParallel.Threads = count;
                    Matrix hidden = probe.Decoder.Forward(tree.Batch);
                    for (int s = 0; s < tree.Batch.Segments.Count; s++)
                    {
                        SequenceSegment segment = tree.Batch.Segments[s];
                        AssertSameBits(expected[s].View.RowRange(segment.StartPosition, segment.Count), hidden.View.RowRange(segment.FirstRow, segment.Count), $"seed {seed}, {count} threads, segment {s}");
                    }
                }
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }
    }

    [Theory]
    [InlineData("probe-mistral")]
    [InlineData("probe-opt")]
    public void Branches_of_one_token_on_one_another_have_the_bits_of_a_sequence(string name)
    {
        using var probe = new Probe(name);
        Matrix expected = probe.Decoder.Logits(probe.Ids);
        var batch = new SequenceBatch();
        int segment = batch.Add(probe.Ids.AsSpan(0, 1));
        for (int t = 1; t < probe.Ids.Length; t++) segment = batch.AddBranch(probe.Ids.AsSpan(t, 1), segment, 1);
        var logits = new Matrix(batch.RowCount, probe.Decoder.Config.VocabularySize);
        probe.Decoder.Logits(probe.Decoder.Forward(batch), 0, batch.RowCount, logits);
        AssertSameBits(expected.View, logits.View, "logits");
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(1, 1)]
    [InlineData(5, 2)]
    [InlineData(16, 4)]
    [InlineData(17, 2)]
    [InlineData(70, 1)]
    [InlineData(1000, 4)]
    public void Attention_in_long_branches_respects_the_window(int? window, int sharing)
    {
        const int HeadSize = 12;
        const int Heads = 4;
        int keyValueSize = Heads / sharing * HeadSize;
        RandomTree tree = RandomTree.Create(seed: 7, vocabulary: 100, segments: 12, deepest: 4, longest: 400);
        int rows = tree.Batch.RowCount;
        Matrix Q = RandomMatrix.Create(rows, Heads * HeadSize, 1);
        Matrix K = RandomMatrix.Create(rows, keyValueSize, 2);
        Matrix V = RandomMatrix.Create(rows, keyValueSize, 3);
        var attention = new Attention(0, Heads, Heads / sharing, HeadSize, window);
        var actual = new Matrix(rows, Heads * HeadSize);
        attention.Apply(Q, K, V, actual, tree.Batch);

        for (int s = 0; s < tree.Sequences.Count; s++)
        {
            var expected = new Matrix(tree.Sequences[s].Length, Heads * HeadSize);
            attention.Apply(Pick(Q, tree.Rows[s]), Pick(K, tree.Rows[s]), Pick(V, tree.Rows[s]), expected, new SequenceBatch(tree.Sequences[s]));
            AssertSameBits(expected.View, Pick(actual, tree.Rows[s]).View, $"segment {s}");
        }
    }

    [Fact]
    public void A_branch_goes_on_from_its_parents_positions()
    {
        var batch = new SequenceBatch([1, 2, 3]);
        Assert.Equal(1, batch.AddBranch([4, 5], 0, 2));
        Assert.Equal(2, batch.Add([6]));
        Assert.Equal(3, batch.AddBranch([7], 1, 1));
        Assert.Equal(
            [new SequenceSegment(null, 0, 3, 0), new SequenceSegment(null, 3, 2, 2, 0, 2), new SequenceSegment(null, 5, 1, 0), new SequenceSegment(null, 6, 1, 3, 1, 1)],
            batch.Segments);
        Assert.Equal([0, 1, 2, 2, 3, 0, 3], batch.Positions.ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], batch.Tokens.ToArray());
        Assert.Equal(4, batch.PositionCount);
    }

    [Fact]
    public void A_branch_needs_tokens_and_rows_to_follow()
    {
        using var probe = new Probe("probe-opt");
        var batch = new SequenceBatch([1, 2, 3]);
        batch.Add([1, 2], probe.Decoder.NewCache(4));
        Assert.Throws<ArgumentException>(() => batch.AddBranch([], 0, 1));
        Assert.Throws<ArgumentException>(() => batch.AddBranch([1], 2, 1));
        Assert.Throws<ArgumentException>(() => batch.AddBranch([1], -1, 1));
        Assert.Throws<ArgumentException>(() => batch.AddBranch([1], 0, 0));
        Assert.Contains("expected 1 to 3", Assert.Throws<ArgumentException>(() => batch.AddBranch([1], 0, 4)).Message, StringComparison.Ordinal);
        Assert.Contains("has a cache", Assert.Throws<ArgumentException>(() => batch.AddBranch([1], 1, 1)).Message, StringComparison.Ordinal);
        Assert.Equal((5, 2), (batch.RowCount, batch.Segments.Count));
    }

    private static Matrix Pick(Matrix matrix, int[] rows)
    {
        var picked = new Matrix(rows.Length, matrix.Columns);
        for (int t = 0; t < rows.Length; t++) matrix.Row(rows[t]).CopyTo(picked.Row(t));
        return picked;
    }

    private static void AssertSameBits(MatrixView<float> expected, MatrixView<float> actual, string what)
    {
        Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
        for (int i = 0; i < expected.Rows; i++)
        {
            for (int j = 0; j < expected.Columns; j++)
            {
                if (BitConverter.SingleToInt32Bits(expected[i, j]) != BitConverter.SingleToInt32Bits(actual[i, j]))
                    Assert.Fail($"{what}, row {i}, column {j}: expected {expected[i, j]:g9}, actual {actual[i, j]:g9}");
            }
        }
    }

    /// <summary>A seeded tree of random tokens, with the sequence that ends in each segment.</summary>
    private sealed record RandomTree(SequenceBatch Batch, IReadOnlyList<int[]> Sequences, IReadOnlyList<int[]> Rows)
    {
        /// <summary>Roots and branches in random order; half of the branches are one to three tokens long.</summary>
        public static RandomTree Create(int seed, int vocabulary, int segments, int deepest, int longest)
        {
            var random = new PythonRandom(seed);
            int Below(int end) => (int)(random.NextDouble() * end);
            (var batch, var sequences, var rows, var depths) = (new SequenceBatch(), new List<int[]>(), new List<int[]>(), new List<int>());
            while (sequences.Count < segments)
            {
                int parent = sequences.Count == 0 ? -1 : Below(sequences.Count + 1) - 1;
                if (parent >= 0 && depths[parent] == deepest) continue;
                SequenceSegment at = parent < 0 ? default : batch.Segments[parent];
                int parentCount = parent < 0 ? 0 : 1 + Below(at.Count);
                int start = parent < 0 ? 0 : at.StartPosition + parentCount;
                if (start >= longest) continue;
                int[] tokens = new int[Math.Min(longest - start, 1 + Below(Below(2) == 0 ? 3 : longest / 2))];
                for (int t = 0; t < tokens.Length; t++) tokens[t] = Below(vocabulary);
                int firstRow = batch.RowCount;
                int segment = parent < 0 ? batch.Add(tokens) : batch.AddBranch(tokens, parent, parentCount);
                Assert.Equal(sequences.Count, segment);
                sequences.Add([.. parent < 0 ? [] : sequences[parent].AsSpan(0, start), .. tokens]);
                rows.Add([.. parent < 0 ? [] : rows[parent].AsSpan(0, start), .. Enumerable.Range(firstRow, tokens.Length)]);
                depths.Add(parent < 0 ? 1 : depths[parent] + 1);
            }

            return new RandomTree(batch, sequences, rows);
        }
    }
}
