using System.Text;

namespace Halfbit.Evaluation;

/// <summary>A text with fields of a row in braces: <c>Question: {question}\nAnswer:</c>. <c>{{</c> and <c>}}</c> are braces; nothing is trimmed or escaped.</summary>
public sealed class TextTemplate
{
    private readonly List<(string Text, bool IsField)> parts = [];

    /// <summary>Reads a template.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="TaskException">A brace has no partner.</exception>
    public TextTemplate(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Source = text;
        var literal = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is '{' or '}' && i + 1 < text.Length && text[i + 1] == c)
            {
                literal.Append(c);
                i++;
            }
            else if (c == '{')
            {
                int end = text.IndexOf('}', i);
                string field = end < 0 ? string.Empty : text[(i + 1)..end].Trim();
                if (field.Length == 0) throw new TaskException($"template '{text}': the brace at {i} names no field; write {{field}}, or {{{{ for a brace");
                Flush(literal);
                parts.Add((field, true));
                i = end;
            }
            else if (c == '}')
            {
                throw new TaskException($"template '{text}': the brace at {i} closes nothing; write }}}} for a brace");
            }
            else
            {
                literal.Append(c);
            }
        }

        Flush(literal);
    }

    /// <summary>The template as it was written.</summary>
    public string Source { get; }

    /// <summary>The text for one row.</summary>
    /// <exception cref="TaskException">The row lacks a field.</exception>
    public string Fill(TaskRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return string.Concat(parts.Select(part => part.IsField ? row.Text(part.Text) : part.Text));
    }

    private void Flush(StringBuilder literal)
    {
        if (literal.Length > 0) parts.Add((literal.ToString(), false));
        literal.Clear();
    }
}
