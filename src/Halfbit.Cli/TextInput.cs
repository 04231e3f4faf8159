using System.Text;
using Halfbit.Quantization;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>Texts from files, and lists of numbers from the command line.</summary>
internal static class TextInput
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A whole file as UTF-8: no newline translation, no trimming.</summary>
    public static string Read(string path)
    {
        if (!File.Exists(path)) throw new InputException($"{path}: no such file");
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InputException($"{path}: not valid UTF-8 at byte {exception.Index}; convert the text to UTF-8", exception);
        }
    }

    /// <summary>The text as one stream of plain-text tokens, BOS once at its start where the checkpoint's tokenizer adds one.</summary>
    public static int[] TokenStream(Tokenizer tokenizer, string text)
    {
        int[] ids = tokenizer.Encode(text, addSpecial: false);
        int[] frame = tokenizer.Encode("", addSpecial: true);
        return tokenizer.BosId is int bos && frame.Length > 0 && frame[0] == bos ? [bos, .. ids] : ids;
    }

    /// <summary>Non-negative integers separated by commas.</summary>
    public static int[] Numbers(string option, string text)
        => text.Length == 0 ? [] : [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part =>
            int.TryParse(part, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number)
                ? number
                : throw new OptionException($"{option} holds '{part}', expected non-negative integers separated by commas"))];
}
