using System.Text;
using System.Xml;

namespace Halfbit.Reports;

/// <summary>Text as a page can hold it. Escaping is done by the writer of elements; this takes care of what cannot even be escaped.</summary>
internal static class Printable
{
    /// <summary>The text with a replacement character for every one that XML does not know.</summary>
    public static string Of(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int k = 0; k < text.Length; k++)
        {
            if (k + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[k + 1], text[k])) _ = result.Append(text[k]).Append(text[++k]);
            else _ = result.Append(XmlConvert.IsXmlChar(text[k]) ? text[k] : '\uFFFD');
        }

        return result.ToString();
    }
}
