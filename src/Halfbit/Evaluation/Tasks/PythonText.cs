namespace Halfbit.Evaluation;

/// <summary>Blanks as Python counts them: the field's harness is written in it.</summary>
internal static class PythonText
{
    /// <summary>Whether <c>str.isspace</c> holds: Unicode's blanks, and the four separators U+001C to U+001F.</summary>
    public static bool IsBlank(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';

    /// <summary>Blanks at the end of a text.</summary>
    public static int TrailingBlanks(string text)
    {
        int end = text.Length;
        while (end > 0 && IsBlank(text[end - 1])) end--;
        return text.Length - end;
    }

    /// <summary>As <c>str.strip</c>.</summary>
    public static string Trim(string text)
    {
        int start = 0;
        int end = text.Length - TrailingBlanks(text);
        while (start < end && IsBlank(text[start])) start++;
        return text[start..end];
    }
}
