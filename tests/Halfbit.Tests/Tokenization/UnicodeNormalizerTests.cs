using System.Security.Cryptography;
using System.Text;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

/// <summary>Expected digests were printed by CPython 3.11 (unicodedata 14.0): the first 16 digits of SHA-256 over the UTF-8 of all results.</summary>
public sealed class UnicodeNormalizerTests
{
    private static readonly (int First, int Last)[] blocks =
    [
        (0x41, 0x7A), (0xC0, 0x24F), (0x300, 0x36F), (0x590, 0x6FF), (0x900, 0xDFF), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x2BFF),
        (0x3040, 0x30FF), (0xAC00, 0xD7A3), (0xF900, 0xFDFF), (0xFF00, 0xFFEF), (0x11080, 0x1147F), (0x1D100, 0x1D1FF), (0x1D400, 0x1D7FF), (0x2F800, 0x2FA1F),
    ];

    [Theory]
    [InlineData(true, false, "1ffc8e6ce9e83df8")]
    [InlineData(false, false, "e3c4baa47152e83c")]
    [InlineData(true, true, "b7076698778b0a87")]
    [InlineData(false, true, "2b25bc1659dc871d")]
    public void Every_code_point_has_the_form_that_CPython_gives_it(bool composes, bool isCompatible, string expected)
    {
        IEnumerable<string> all = Enumerable.Range(0, 0x110000).Where(Rune.IsValid).Select(codePoint => new Rune(codePoint).ToString());
        Assert.Equal(expected, Digest(all, composes, isCompatible));
    }

    [Theory]
    [InlineData(true, false, "552e95db6ebe9e12")]
    [InlineData(false, false, "fd6731cd110d8c77")]
    [InlineData(true, true, "183423474777d7b7")]
    [InlineData(false, true, "3b054f2afe28a61e")]
    public void Random_strings_with_combining_marks_have_the_form_that_CPython_gives_them(bool composes, bool isCompatible, string expected)
        => Assert.Equal(expected, Digest(RandomStrings(), composes, isCompatible));

    [Fact]
    public void Text_around_what_changes_is_kept()
    {
        var normalizer = new UnicodeNormalizer(composes: true, isCompatible: false);
        Assert.Equal("“x” \u00E9 – “y”", Text(normalizer.Apply(Utf8.Of("“x” e\u0301 – “y”"), startsText: true)));
    }

    private static string Digest(IEnumerable<string> texts, bool composes, bool isCompatible)
    {
        var normalizer = new UnicodeNormalizer(composes, isCompatible);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in texts) hash.AppendData(normalizer.Apply(Utf8.Of(text), startsText: true).Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>The strings that the expected digests were made from.</summary>
    private static IEnumerable<string> RandomStrings()
    {
        ulong state = 1;
        for (int i = 0; i < 20000; i++)
        {
            var text = new StringBuilder();
            for (int j = 0; j < 8; j++)
            {
                (int first, int last) = blocks[Next(blocks.Length)];
                text.Append(new Rune(first + Next(last - first + 1)).ToString());
                if (Next(2) == 1) text.Append((char)(0x300 + Next(0x70)));
            }

            yield return text.ToString();
        }

        int Next(int count)
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            return (int)((state >> 33) % (ulong)count);
        }
    }

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
