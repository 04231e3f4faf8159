using Halfbit.Checkpoints;

namespace Halfbit.Packing;

/// <summary>The messages about packed matrices that cannot be used.</summary>
internal static class BlobError
{
    public static CheckpointException Damaged(string where, string what) => new($"{where}: {what}; the packed matrix is damaged, fetch or quantize the model again");

    public static CheckpointException Newer(string where, int version)
        => new($"{where}: packed format version {version}, this program reads version {BlobHeader.NewestVersion}; update Halfbit or quantize the model with this version");
}
