using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;
using Halfbit.Tests.Packing;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Kernels;

/// <summary>Matrices laid out to run: written, opened again from bytes and files, and damaged.</summary>
public sealed class TileFormatTests
{
    private static readonly string[] All = ["sign", "sign mu", "grid", "grid zero", "grid wide", "groups", "mixed"];

    public static TheoryData<string> Kinds() => [.. All];

    [Theory, MemberData(nameof(Kinds))]
    public void What_is_opened_multiplies_to_the_same_bits_and_expands_to_the_same_weights(string kind)
    {
        var random = new Random(3);
        for (int trial = 0; trial < 30; trial++)
        {
            QuantizedMatrix matrix = Create(kind, random, random.Next(1, 300), random.Next(1, 500), trial % 5 == 0);
            TiledMatrix tiled = Assert.IsType<TiledMatrix>(Tiling.Of(matrix, matrix));
            byte[] blob = Blob(tiled);
            TiledMatrix opened = TileFormat.Open(blob, "blob");
            AssertSame(tiled, opened, random, matrix);
            Assert.Equal(blob, Blob(opened));
        }
    }

    [Fact]
    public void Every_form_that_is_measured_comes_back()
    {
        foreach (string form in RandomForms.Names)
        {
            QuantizedMatrix matrix = RandomForms.Create(form, 300, 700);
            TiledMatrix tiled = Assert.IsType<TiledMatrix>(Tiling.Of(matrix, matrix));
            TiledMatrix opened = TileFormat.Open(Blob(tiled), form);
            AssertSame(tiled, opened, new Random(4), matrix);
            Assert.Equal(tiled.Format, opened.Format);
            Assert.StartsWith("tiles: ", opened.Format, StringComparison.Ordinal);
            Assert.InRange(TileFormat.Head(tiled).Length, 128, 64 * 64);
        }
    }

    [Fact]
    public void Tiles_in_a_file_are_multiplied_where_they_are()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(5);
        QuantizedMatrix[] logical = [.. All.Select(k => Create(k, random, 140, 333, false))];
        TiledMatrix[] matrices = [.. logical.Select(m => Tiling.Of(m, m)!)];
        byte[][] blobs = [.. matrices.Select(Blob)];
        string path = folder["tiles.safetensors"];
        using (var writer = new SafetensorsWriter(path, [.. blobs.Select((b, k) => new TensorDeclaration($"m{k}", ElementType.U8, [b.Length]))]))
        {
            foreach (byte[] blob in blobs) writer.Write(blob);
            writer.Complete();
        }

        var opened = new List<TiledMatrix>();
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            for (int k = 0; k < matrices.Length; k++)
            {
                MappedTensor tensor = file.TryFind($"m{k}")!;
                Assert.True(TiledMatrix.IsTiles(tensor));
                TiledMatrix tiled = TiledMatrix.Open(tensor);
                Assert.Equal(0, tiled.RecordAddress(0, 0, tiled.Sections[0]) % 64);
                opened.Add(tiled);
                AssertSame(matrices[k], tiled, random, logical[k]);
                AssertSame(matrices[k], tiled.Copy(), random, logical[k]);
            }
        }

        var X = new Matrix(1, 333);
        foreach (TiledMatrix tiled in opened) Assert.Throws<ObjectDisposedException>(() => tiled.MultiplyTransposed(X.View, new Matrix(1, 140).View));
    }

    [Fact]
    public void A_tensor_of_something_else_is_refused()
    {
        using var folder = new TemporaryFolder();
        string path = folder["other.safetensors"];
        byte[] packed = Packer.Pack(RandomForms.Create("sign", 20, 30));
        using (var writer = new SafetensorsWriter(path, [new TensorDeclaration("packed", ElementType.U8, [packed.Length]), new TensorDeclaration("plain", ElementType.F32, [100])]))
        {
            writer.Write(packed);
            writer.Write(new byte[400]);
            writer.Complete();
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (MappedTensor tensor in file.Tensors)
        {
            Assert.False(TiledMatrix.IsTiles(tensor));
            Assert.Contains($"'{tensor.Name}'", Assert.Throws<CheckpointException>(() => TiledMatrix.Open(tensor)).Message, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Any_flipped_bit_and_any_truncation_is_noticed(string kind)
    {
        var random = new Random(6);
        QuantizedMatrix matrix = Create(kind, random, 3, 20, false);
        byte[] blob = Blob(Tiling.Of(matrix, matrix)!);
        for (int trial = 0; trial < 3000; trial++)
        {
            byte[] damaged = [.. blob];
            int bit = trial < 1000 ? trial : random.Next(blob.Length * 8);
            damaged[bit >> 3] ^= (byte)(1 << (bit & 7));
            AssertRefused(damaged);
        }

        for (int length = 0; length < blob.Length; length += length < 300 ? 1 : 61)
        {
            AssertRefused(blob[..length]);
            if (length > 8) AssertRefused(DamagedBlobTests.Resealed(blob[..length]));
        }

        AssertRefused(DamagedBlobTests.Resealed([.. blob, .. new byte[64]]));
    }

    /// <summary>Damage with a matching checksum: a CheckpointException, or some matrix of the stated shape that every kernel multiplies alike.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void Damage_behind_a_valid_checksum_never_ends_in_another_exception(string kind)
    {
        var random = new Random(7);
        int noticed = 0;
        for (int trial = 0; trial < 600; trial++)
        {
            QuantizedMatrix matrix = Create(kind, random, random.Next(1, 200), random.Next(1, 200), false);
            TiledMatrix tiled = Tiling.Of(matrix, matrix)!;
            byte[] blob = Blob(tiled);
            int recordsAt = blob.Length - (int)tiled.ByteCount;
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                int at = random.Next(3) switch { 0 => 8 + random.Next(recordsAt - 8), 1 => Math.Min(blob.Length - 1, recordsAt + random.Next(300)), _ => 8 + random.Next(blob.Length - 8) };
                blob[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(blob[at] ^ (1 << random.Next(8)));
            }

            try
            {
                TiledMatrix opened = TileFormat.Open(DamagedBlobTests.Resealed(blob), "damaged");
                if (opened.Columns > 100_000 || opened.Rows > 100_000) continue;
                var X = new Matrix(1, opened.Columns);
                foreach (ref float x in X.Row(0)) x = (float)RandomMatrices.Normal(random);
                var Y = new Matrix(1, opened.Rows);
                foreach (PlaneKernel kernel in DenseKernel.All.Where(k => k.IsAvailable).Select(PlaneKernel.Of)) TiledProduct.Run(opened, X.View, Y.View, isExact: trial % 2 == 0, kernel);
                _ = Logical.Rows(opened, 0, opened.Rows, opened.Columns);
            }
            catch (CheckpointException exception)
            {
                noticed++;
                Assert.StartsWith("damaged: ", exception.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', exception.Message);
            }
        }

        Assert.InRange(noticed, 100, 600);
    }

    [Fact]
    public void A_newer_version_names_the_remedy()
    {
        QuantizedMatrix matrix = RandomForms.Create("sign", 20, 30);
        byte[] blob = Blob(Tiling.Of(matrix, matrix)!);
        blob[8] = 2;
        string message = Assert.Throws<CheckpointException>(() => TileFormat.Open(DamagedBlobTests.Resealed(blob), "newer")).Message;
        Assert.Contains("version 2", message, StringComparison.Ordinal);
        Assert.Contains("update Halfbit", message, StringComparison.Ordinal);
    }

    /// <summary>Lists whose numbers would lead outside, one kind of lie at a time.</summary>
    [Fact]
    public void Lists_of_salient_codes_that_lie_are_refused()
    {
        QuantizedMatrix matrix = RandomForms.Create("pb-llm", 128, 100);
        TiledMatrix tiled = Tiling.Of(matrix, matrix)!;
        byte[] good = Blob(tiled);
        int lists = good.Length - (int)tiled.ByteCount;
        void Refused(int at, byte value, string named)
        {
            byte[] blob = [.. good];
            blob[lists + at] = value;
            Assert.Contains(named, Assert.Throws<CheckpointException>(() => TileFormat.Open(DamagedBlobTests.Resealed(blob), "lists")).Message, StringComparison.Ordinal);
        }

        Refused(0, 200, "permutation");
        Refused(0, good[lists + 1], "permutation");
        Refused(128, 255, "salient codes");
        Refused(135, (byte)(good[lists + 135] + 1), "bytes");
        Refused(192, 128 + 100, "beyond");
        Refused(192, 0, "not empty");
        good[lists + 192 + 64] = 0;
        Refused(192, 0, "gaps");
        _ = TileFormat.Open(DamagedBlobTests.Resealed(good), "good");
    }

    internal static byte[] Blob(TiledMatrix matrix)
    {
        byte[] blob = [.. TileFormat.Head(matrix), .. matrix.Memory];
        Assert.Equal(0, blob.Length % 64);
        Assert.Equal(blob.Length, BinaryPrimitives.ReadInt32LittleEndian(blob.AsSpan(36)));
        return blob;
    }

    private static void AssertRefused(byte[] blob)
    {
        CheckpointException exception = Assert.Throws<CheckpointException>(() => TileFormat.Open(blob, "some place"));
        Assert.StartsWith("some place: ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private static void AssertSame(TiledMatrix expected, TiledMatrix actual, Random random, QuantizedMatrix matrix)
    {
        Assert.Equal((expected.Rows, expected.Columns, expected.ByteCount), (actual.Rows, actual.Columns, actual.ByteCount));
        int tokens = random.Next(1, 4);
        var X = new Matrix(tokens, expected.Columns);
        foreach (ref float x in X.Data.AsSpan()) x = (float)RandomMatrices.Normal(random);
        foreach (bool isExact in (bool[])[false, true])
        {
            var first = new Matrix(tokens, expected.Rows);
            var second = new Matrix(tokens, expected.Rows);
            expected.MultiplyTransposed(X.View, first.View, isExact);
            actual.MultiplyTransposed(X.View, second.View, isExact);
            Assert.Equal(first.Data, second.Data);
        }

        // Planes may cancel each other.
        Matrix? terms = matrix is GroupedSignMatrix grouped ? TiledMatrixTests.SizeOfTerms(grouped) : null;
        float[] weights = Logical.Rows(expected, 0, expected.Rows, expected.Columns);
        float[] expanded = Logical.Rows(actual, 0, expected.Rows, expected.Columns);
        for (int k = 0; k < weights.Length; k++)
        {
            if (weights[k] != expanded[k] && !(Math.Abs(weights[k] - expanded[k]) <= 1e-6 * (terms is null ? Math.Abs(weights[k]) : terms.Data[k])))
                Assert.Fail($"({k / expected.Columns}, {k % expected.Columns}): {expanded[k]:R} instead of {weights[k]:R}");
        }

        int last = expected.Rows - 1;
        Assert.Equal(expanded[^expected.Columns..], Logical.Rows(actual, last, 1, expected.Columns));
    }

    private static QuantizedMatrix Create(string kind, Random random, int rows, int columns, bool exact) => kind switch
    {
        "mixed" => new MixedMatrix(
            random.Next(3) == 0 ? RandomMatrices.Mask(random, rows, columns, random.Next(3) * 0.5) : RandomMatrices.ClusteredMask(random, rows, columns, 0.1),
            RandomMatrices.Part(random.Next(2) == 0 ? "grid zero" : "grid", random, rows, columns),
            RandomMatrices.Part(((string[])["sign", "sign mu", "grid", "grid zero", "zero"])[random.Next(5)], random, rows, columns)),
        "groups" => RandomGroups.Any(random).Create(random, rows, columns),
        _ => RandomMatrices.Part(kind, random, rows, columns, exact),
    };
}
