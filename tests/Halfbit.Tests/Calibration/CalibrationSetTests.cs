using Halfbit.Calibration;
using Halfbit.Numerics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Calibration;

public sealed class CalibrationSetTests
{
    [Fact]
    public void Windows_are_those_that_randint_draws()
    {
        int[] tokens = [.. Enumerable.Range(0, 1000)];
        CalibrationSet set = CalibrationSet.FromText(tokens, 40, 16, 7, "text");

        // Python: random.seed(7), then randint(0, 983) five times.
        Assert.Equal([331, 970, 154, 404, 666], set.Sequences.Take(5).Select(s => s[0]));
        Assert.All(set.Sequences, s => Assert.Equal(Enumerable.Range(s[0], 16), s));
        Assert.Equal(16, set.SequenceLength);
    }

    [Fact]
    public void The_last_start_leaves_one_token_over_as_in_the_authors_program()
    {
        int[] tokens = [5, 6, 7, 8];
        CalibrationSet set = CalibrationSet.FromText(tokens, 200, 2, 0, "text");
        Assert.Equal([5, 6], set.Sequences.Select(s => s[0]).Distinct().Order());
        Assert.Equal([5, 6, 7], Assert.Single(CalibrationSet.FromText(tokens, 1, 3, 0, "text").Sequences));
        var exception = Assert.Throws<CalibrationException>(() => CalibrationSet.FromText(tokens, 1, 4, 0, "book.txt"));
        Assert.Contains("book.txt", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_fingerprint_tells_sets_apart()
    {
        string a = new CalibrationSet([[1, 2], [3, 4]], "a").Fingerprint;
        Assert.Equal(a, new CalibrationSet([[1, 2], [3, 4]], "b").Fingerprint);
        Assert.NotEqual(a, new CalibrationSet([[1, 2], [4, 3]], "a").Fingerprint);
        Assert.Equal("cf97adeedb59e05bfd73a2b4c2a8885708c4f4f70c84c64b27120e72ab733b72", a); // SHA-256 of 1, 2, 3, 4 as little-endian integers
    }

    [Fact]
    public void Hidden_states_survive_in_memory_and_in_a_scratch_file()
    {
        using var folder = new TemporaryFolder();
        // 260 sequences of 1 MiB are more than the memory limit has to hold; only some are touched.
        const int Rows = 512;
        const int Columns = 1024;
        int count = (int)(HiddenStates.MemoryLimit / (Rows * Columns * sizeof(float))) + 1;
        using (var states = new HiddenStates(count, Rows, Columns, folder["scratch"]))
        {
            Assert.True(File.Exists(folder["scratch"]));
            Check(states, Rows, Columns, [0, count - 1]);
        }

        Assert.False(File.Exists(folder["scratch"]));
        using var small = new HiddenStates(3, 4, 5, folder["scratch"]);
        Assert.False(File.Exists(folder["scratch"]));
        Check(small, 4, 5, [2, 0, 1]);
    }

    private static void Check(HiddenStates states, int rows, int columns, int[] sequences)
    {
        foreach (int s in sequences) states.Store(s, new Matrix(rows, columns, [.. Enumerable.Range(0, rows * columns).Select(k => (float)(s + (k * 0.5)))]));
        var loaded = new Matrix(rows, columns);
        foreach (int s in sequences)
        {
            states.Load(s, loaded);
            for (int k = 0; k < loaded.Data.Length; k += 7) Assert.Equal((float)(s + (k * 0.5)), loaded.Data[k]);
        }
    }
}
