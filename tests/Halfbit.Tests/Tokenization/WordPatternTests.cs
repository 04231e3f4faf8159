using System.Text;
using System.Text.RegularExpressions;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

public sealed class WordPatternTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory, InlineData(Gpt2), InlineData(Llama3), InlineData(Qwen2)]
    public void Scanners_split_as_dotnet_regular_expressions_do(string pattern)
    {
        // .NET does not fold the long s, Oniguruma does.
        var regex = new Regex(pattern.Replace("(?i:'s|", "(?i:'[s\u017F]|", StringComparison.Ordinal), RegexOptions.CultureInvariant);
        var random = new Random(7);
        for (int i = 0; i < 4000; i++)
        {
            string text = ToyText.Random(random, 1 + random.Next(24), basicPlaneOnly: true);
            string[] expected = [.. regex.Matches(text).Select(match => match.Value)];
            Assert.Equal(expected, Split(WordPattern.Known[pattern], text));
        }
    }

    [Theory, InlineData(Gpt2), InlineData(Llama3), InlineData(Qwen2)]
    public void Scanners_split_as_the_fallback_does_beyond_the_basic_plane(string pattern)
    {
        var fallback = new RegexPattern(pattern.Replace("(?i:'s|", "(?i:'[s\u017F]|", StringComparison.Ordinal));
        var random = new Random(8);
        for (int i = 0; i < 4000; i++)
        {
            string text = ToyText.Random(random, 1 + random.Next(24));
            Assert.Equal(Split(fallback, text), Split(WordPattern.Known[pattern], text));
        }
    }

    [Fact]
    public void Letters_and_digits_beyond_the_basic_plane_are_letters_and_digits()
    {
        Assert.Equal(["a𐐷b", "𝟘1", "😀", " 𠀀"], Split(WordPattern.Gpt2, "a𐐷b𝟘1😀 𠀀"));
        Assert.Equal(["a𐐷b", "𝟘1", "😀", " 𠀀"], Split(new RegexPattern(Gpt2), "a𐐷b𝟘1😀 𠀀"));
    }

    [Fact]
    public void Llama_pattern_splits_a_sentence_as_worked_out_by_hand()
        => Assert.Equal(
            ["He", "'S", " paid", " $", "123", "456", ".", "78", ",\n\n", " ", " then", "\tleft", "!!\r\n", "  "],
            Split(WordPattern.Known[Llama3], "He'S paid $123456.78,\n\n  then\tleft!!\r\n  "));

    [Theory]
    [InlineData(@"\p{N}?+a++|[^\]x]*+b", @"(?>\p{N}?)(?>a+)|(?>[^\]x]*)b")]
    [InlineData(@"(?:ab)++(?!c)\+++", @"(?>(?:ab)+)(?!c)(?>\++)")]
    [InlineData(@"x{1,3}y?", @"x{1,3}y?")]
    [InlineData(@"(?i:a|b)?+", @"(?>(?i:a|b)?)")]
    public void Possessive_quantifiers_become_atomic_groups(string pattern, string expected)
        => Assert.Equal(expected, RegexPattern.WithAtomicGroups(pattern));

    private static string[] Split(TextPattern pattern, string text)
    {
        byte[] utf8 = Utf8.Of(text);
        var bounds = new IntList();
        pattern.FindMatches(utf8, bounds);
        return [.. Enumerable.Range(0, bounds.Count / 2).Select(m => Encoding.UTF8.GetString(utf8.AsSpan(bounds[2 * m]..bounds[(2 * m) + 1])))];
    }
}
