using System.Globalization;

namespace Halfbit.Tokenization;

/// <summary>The messages of the room: what was found, what was expected, where, and what to do.</summary>
internal static class Fault
{
    public static TokenizerException NoTokenizer(string folder) => new(
        $"{folder}: no tokenizer found (looked for tokenizer.json, tokenizer.model, and vocab.json with merges.txt). Copy the tokenizer files of the checkpoint into this folder.");

    public static TokenizerException NoFolder(string folder) => new(
        $"{folder}: the folder does not exist. Name the folder of a model in Hugging Face layout.");

    public static TokenizerException MissingFile(string file, string reason) => new(
        $"{file}: the file is missing, {reason}. Copy it from the checkpoint into this folder.");

    public static TokenizerException Unreadable(string file, Exception cause) => new(
        $"{file}: cannot be read ({cause.Message}). Check the file and its permissions.", cause);

    public static TokenizerException Malformed(string file, string found, Exception? cause = null) => new(
        $"{file}: {found}. The file is damaged or incomplete; copy it again from the checkpoint.", cause!);

    public static TokenizerException Field(string file, string path, string found, string expected) => new(
        $"{file}: field '{path}' is {found}, expected {expected}. The file is damaged or of another format; copy it again from the checkpoint.");

    public static TokenizerException Unsupported(string file, string path, string found, string supported) => new(
        $"{file}: field '{path}' is {found}, which is not supported (supported: {supported}). Use a tokenizer made of these parts.");

    public static TokenizerException DuplicateId(string file, int id, string first, string second) => new(
        string.Create(CultureInfo.InvariantCulture, $"{file}: token id {id} is given to both '{first}' and '{second}', expected one token per id. The file is damaged; copy it again from the checkpoint."));

    public static TokenizerException UnknownId(int id, int vocabularySize) => new(
        string.Create(CultureInfo.InvariantCulture, $"token id {id} is outside the vocabulary, expected 0 to {vocabularySize - 1}. The ids may belong to another model."));
}
