using Halfbit.Tests.Support;
using Halfbit.Tokenization;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class TrainingTextTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Every_epoch_draws_every_window_once(int count)
    {
        for (long epoch = 0; epoch < 3; epoch++)
        {
            var order = new SeededOrder(5, epoch, count);
            Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), Enumerable.Range(0, count).Select(i => order[i]).Order());
        }
    }

    [Fact]
    public void Orders_differ_by_seed_and_epoch_and_are_shuffled()
    {
        long[] Items(long seed, long epoch) => [.. Enumerable.Range(0, 1000).Select(i => new SeededOrder(seed, epoch, 1000)[i])];
        long[] items = Items(1, 0);
        Assert.Equal(items, Items(1, 0));
        Assert.NotEqual(items, Items(2, 0));
        Assert.NotEqual(items, Items(1, 1));

        // A random order has about one item in its own place, and one in about two hundred neighbours that stay neighbours.
        Assert.True(items.Where((item, place) => item == place).Count() < 10);
        Assert.True(items.Zip(items.Skip(1)).Count(pair => Math.Abs(pair.First - pair.Second) == 1) < 20);

        // Place and item are uncorrelated: |r| stays below four standard deviations of 1/√n.
        double mean = 999 / 2.0;
        double r = items.Select((item, place) => (item - mean) * (place - mean)).Sum() / items.Sum(item => (item - mean) * (item - mean));
        Assert.True(Math.Abs(r) < 4 / Math.Sqrt(1000), $"r = {r}");
    }

    [Fact]
    public void Targets_are_the_next_tokens_and_a_position_says_all()
    {
        var text = new TrainingText([.. Enumerable.Range(0, 52)], 10, 2, 3, "text");
        Assert.Equal(5, text.Windows);
        var inputs = new int[60];
        var targets = new int[60];
        text.Draw(3, inputs, targets);
        Assert.Equal(inputs.Select(id => id + 1), targets);
        for (int s = 0; s < 6; s++)
        {
            Assert.Equal(Enumerable.Range(text.WindowAt(3 + s) * 10, 10), inputs[(s * 10)..((s + 1) * 10)]);
            var one = new int[10];
            text.Draw(3 + s, one, new int[10]);
            Assert.Equal(one, inputs[(s * 10)..((s + 1) * 10)]);
        }

        Assert.Equal(Enumerable.Range(0, 5), Enumerable.Range(0, 5).Select(s => text.WindowAt(s)).Order());
        Assert.Equal(Enumerable.Range(0, 5), Enumerable.Range(5, 5).Select(s => text.WindowAt(s)).Order());
    }

    [Fact]
    public void A_text_shorter_than_a_batch_is_refused()
    {
        _ = new TrainingText(new int[21], 10, 2, 0, "text");
        TrainingException exception = Assert.Throws<TrainingException>(() => new TrainingText(new int[20], 10, 2, 0, "books.txt"));
        Assert.Equal("books.txt: the training text holds 20 tokens, a batch of 2 sequences of 10 needs 21; use a longer text, a smaller batch or a smaller --seq-len", exception.Message);
    }

    [Fact]
    public void Files_are_joined_with_the_special_tokens_of_the_tokenizer()
    {
        using var folder = new TemporaryFolder();
        Tokenizer tokenizer = Tokenizer.Load(TestData.Sample);
        File.WriteAllText(folder["a.txt"], "One house.");
        File.WriteAllText(folder["b.txt"], "Another house.");
        int[] a = tokenizer.Encode("One house."), b = tokenizer.Encode("Another house.");
        int[] joined = TrainingText.Read([folder["a.txt"], folder["b.txt"]], tokenizer);
        bool isParted = tokenizer.IsSpecial(a[^1]) || tokenizer.IsSpecial(b[0]);
        Assert.Equal(isParted ? [.. a, .. b] : [.. a, tokenizer.EosId!.Value, .. b], joined);
        Assert.NotEqual(tokenizer.Encode("One house.Another house."), joined);
    }

    [Fact]
    public void Without_special_tokens_around_texts_the_end_of_text_parts_them()
    {
        using var folder = new TemporaryFolder();
        ToyCheckpoint.Llama().Write(folder["model"]);
        Tokenizer tokenizer = Tokenizer.Load(folder["model"]);
        File.WriteAllText(folder["a.txt"], "ab");
        File.WriteAllText(folder["b.txt"], "c");
        int[] joined = TrainingText.Read([folder["a.txt"], folder["b.txt"]], tokenizer);
        int[] a = tokenizer.Encode("ab"), b = tokenizer.Encode("c");
        bool isParted = tokenizer.IsSpecial(b[0]);
        Assert.Equal(isParted ? [.. a, .. b] : [.. a, 256, .. b], joined);
        Assert.Contains(256, joined[1..]);
    }

    [Fact]
    public void Files_that_are_missing_or_empty_are_named()
    {
        using var folder = new TemporaryFolder();
        Tokenizer tokenizer = Tokenizer.Load(TestData.Sample);
        File.WriteAllText(folder["empty.txt"], "");
        Assert.Contains("empty.txt: the training text is empty", Assert.Throws<TrainingException>(() => TrainingText.Read([folder["empty.txt"]], tokenizer)).Message, StringComparison.Ordinal);
        Assert.Contains("absent.txt", Assert.Throws<TrainingException>(() => TrainingText.Read([folder["absent.txt"]], tokenizer)).Message, StringComparison.Ordinal);
    }
}
