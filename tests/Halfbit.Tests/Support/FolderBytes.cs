namespace Halfbit.Tests.Support;

/// <summary>All files of a folder, for comparisons byte by byte.</summary>
internal static class FolderBytes
{
    public static SortedDictionary<string, byte[]> Of(string folder)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)) files.Add(Path.GetRelativePath(folder, path), File.ReadAllBytes(path));
        return files;
    }

    /// <summary>Fails, naming the first difference, unless both folders hold the same files with the same bytes.</summary>
    public static void AssertEqual(string expectedFolder, string actualFolder)
    {
        SortedDictionary<string, byte[]> expected = Of(expectedFolder);
        SortedDictionary<string, byte[]> actual = Of(actualFolder);
        Assert.Equal(expected.Keys, actual.Keys);
        foreach ((string name, byte[] bytes) in expected)
        {
            int same = bytes.AsSpan().CommonPrefixLength(actual[name]);
            Assert.True(same == bytes.Length && same == actual[name].Length, $"{name}: {bytes.Length} and {actual[name].Length} bytes, different from byte {same}");
        }
    }
}
