using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

public sealed class DamagedBlobTests
{
    public static TheoryData<string, string?, IndexEncoding?> Samples() => new()
    {
        { "sign mu", null, null },
        { "grid zero", null, null },
        { "grid wide", null, null },
        { "plain", null, null },
        { "zero", null, null },
        { "sign", "grid", IndexEncoding.Bitmap },
        { "sign", "grid zero", IndexEncoding.Coded },
        { "plain", "plain", IndexEncoding.Coded },
        { "grid", "sign mu", IndexEncoding.Coded },
        { "zero", "grid wide", IndexEncoding.Bitmap },
        { "groups 2 + 3", null, null },
        { "groups 1 + 2 of 4:8", null, null },
        { "groups 0 + 1 of 3:5", null, null },
        { "groups 1 + 1 of some", null, null },
        { "groups 2 + 4 of many", null, null },
    };

    [Theory, MemberData(nameof(Samples))]
    public void Any_flipped_bit_is_noticed_when_opening(string low, string? salient, IndexEncoding? index)
    {
        byte[] blob = Sample(low, salient, index, 5);
        for (int bit = 0; bit < blob.Length * 8; bit++)
        {
            byte[] damaged = [.. blob];
            damaged[bit >> 3] ^= (byte)(1 << (bit & 7));
            CheckpointException exception = Assert.Throws<CheckpointException>(() => new PackedMatrix(damaged, "some place"));
            Assert.StartsWith("some place: ", exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', exception.Message);
        }
    }

    [Theory, MemberData(nameof(Samples))]
    public void Any_truncation_or_extension_is_noticed_when_opening(string low, string? salient, IndexEncoding? index)
    {
        byte[] blob = Sample(low, salient, index, 6);
        for (int length = 0; length < blob.Length; length++) Assert.Throws<CheckpointException>(() => new PackedMatrix(blob[..length]));
        foreach (int more in (int[])[1, 8, 64])
        {
            Assert.Throws<CheckpointException>(() => new PackedMatrix([.. blob, .. new byte[more]]));
            Assert.Throws<CheckpointException>(() => new PackedMatrix(Resealed([.. blob, .. new byte[more]])));
        }

        for (int length = 32; length < blob.Length; length++) Assert.Throws<CheckpointException>(() => new PackedMatrix(Resealed(blob[..length])));
    }

    /// <summary>Damage with a matching checksum: whatever happens is a CheckpointException, or some matrix of the stated shape.</summary>
    [Theory, MemberData(nameof(Samples))]
    public void Damage_behind_a_valid_checksum_never_ends_in_another_exception(string low, string? salient, IndexEncoding? index)
    {
        var random = new Random(9);
        for (int seed = 0; seed < 8; seed++)
        {
            byte[] blob = Sample(low, salient, index, seed, seed < 4 ? 20 : 150);
            int noticed = 0;
            for (int trial = 0; trial < 150; trial++)
            {
                byte[] damaged = [.. blob];
                int changes = random.Next(1, 4);
                for (int c = 0; c < changes; c++)
                {
                    int at = trial % 2 == 0 ? 8 + random.Next(Math.Min(blob.Length, 120) - 8) : 8 + random.Next(blob.Length - 8);
                    damaged[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(damaged[at] ^ (1 << random.Next(8)));
                }

                try
                {
                    var packed = new PackedMatrix(Resealed(damaged));
                    if (packed.Columns > 100_000) continue;
                    int count = Math.Min(packed.Rows, 200);
                    _ = Logical.Rows(packed, packed.Rows - count, count, packed.Columns);
                    if (packed.Rows <= 1000) _ = packed.Unpack();
                }
                catch (CheckpointException)
                {
                    noticed++;
                }
            }

            Assert.True(noticed > 0, "not one of the damaged headers was noticed");
        }
    }

    [Fact]
    public void A_newer_version_names_the_remedy()
    {
        byte[] blob = Sample("sign", null, null, 1);
        blob[8] = 3;
        CheckpointException exception = Assert.Throws<CheckpointException>(() => new PackedMatrix(Resealed(blob)));
        Assert.Contains("version 3", exception.Message, StringComparison.Ordinal);
        Assert.Contains("update Halfbit", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_their_format_cannot_hold_are_refused_when_packing()
    {
        var half = new ScaleFormat(ScaleKind.Half, -4);
        var signs = new BitMatrix(1, 3);
        Assert.Throws<ArgumentException>(() => Packer.Pack(new SignMatrix(signs, -1, [1.0001f], null, half)));
        Assert.Throws<ArgumentException>(() => Packer.Pack(new SignMatrix(signs, -1, [1f], [float.NaN], half)));
        Assert.Throws<ArgumentException>(() => Packer.Pack(new SignMatrix(signs, -1, [float.PositiveInfinity], null, ScaleFormat.Exact)));
        Assert.Throws<ArgumentException>(() => Packer.Pack(new SignMatrix(signs, -1, [1e9f], null, half)));
        Assert.Throws<ArgumentException>(() => Packer.Pack(new PlainMatrix(new Matrix(1, 3, [0, 0.3333333f, 0]), half)));
        Assert.Throws<ArgumentException>(() => Packer.Pack(new GridMatrix(1, 3, 2, [0, 4, 1], -1, [1], null, half)));
        _ = Packer.Pack(new SignMatrix(signs, -1, [1.0001f], [-0f], ScaleFormat.Exact));

        // Values that are not stored do not matter.
        var mask = new BitMatrix(1, 3) { [0, 1] = true };
        _ = Packer.Pack(new MixedMatrix(mask, new GridMatrix(1, 3, 2, [9, 3, 9], -1, [1], null, half), new PlainMatrix(new Matrix(1, 3, [0, 0.3333333f, 0]), half)));
    }

    [Fact]
    public void The_checksum_has_the_check_value_of_its_polynomial()
        => Assert.Equal(0xE3069283u, BlobChecksum.Of("123456789"u8));

    internal static byte[] Resealed(byte[] blob)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(4), BlobChecksum.Of(blob.AsSpan(8)));
        return blob;
    }

    private static byte[] Sample(string low, string? salient, IndexEncoding? index, int seed, int rows = 20)
    {
        var random = new Random(seed);
        int columns = 21;
        if (Groups(low) is RandomGroups groups) return Packer.Pack(groups.Create(random, rows, columns));
        QuantizedMatrix matrix = RandomMatrices.Part(low, random, rows, columns);
        if (salient is null) return Packer.Pack(matrix);
        return Packer.Pack(new MixedMatrix(RandomMatrices.ClusteredMask(random, rows, columns, 0.1), RandomMatrices.Part(salient, random, rows, columns), matrix), index);
    }

    private static RandomGroups? Groups(string name) => name switch
    {
        "groups 2 + 3" => new RandomGroups(2, 3, 3, 1, null, 1, true, true),
        "groups 1 + 2 of 4:8" => new RandomGroups(1, 2, 2, 1, new NOfM(4, 8), Kind: ScaleKind.Byte),
        "groups 0 + 1 of 3:5" => new RandomGroups(0, 1, 1, 1, new NOfM(3, 5), Kind: ScaleKind.Exact),
        "groups 1 + 1 of some" => new RandomGroups(1, 1, 2, 1, null, 0.1),
        "groups 2 + 4 of many" => new RandomGroups(2, 4, 3, 3, null, 0.8, true, true, ScaleKind.Byte),
        _ => null,
    };
}
