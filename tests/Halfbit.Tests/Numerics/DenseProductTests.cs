using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

[Collection("thread count")]
public class DenseProductTests
{
    private static readonly DenseProductDefinition Definition = new();

    public static TheoryData<string> FastKernels()
    {
        var names = new TheoryData<string>();
        foreach (DenseKernel.Choice kernel in DenseKernel.All)
        {
            // 128-bit vectors work without hardware support too, only slowly
            if (kernel.Name == "vector128" || (kernel.IsAvailable && kernel.Name != "scalar")) names.Add(kernel.Name);
        }

        return names;
    }

    [Theory, MemberData(nameof(FastKernels))]
    public void Every_kernel_has_the_bits_of_the_definition_on_chosen_shapes(string kernel)
    {
        (int M, int N, int K)[] shapes =
        [
            (1, 1, 0), (1, 1, 1), (0, 3, 2), (3, 0, 2), (2, 3, 0), (70, 40, 0), (1, 33, 7), (1, 300, 1000), (33, 1, 7), (200, 1, 500), (90, 3, 5),
            (2, 64, 385), (14, 32, 384), (15, 33, 385), (56, 65, 400), (57, 17, 31), (58, 33, 800), (64, 15, 64), (100, 100, 1), (113, 97, 41),
            (120, 130, 1030), (6, 16, 16), (7, 17, 257), (61, 31, 2), (1, 1, 16), (2, 17, 33), (4, 40, 130), (5, 16, 64), (16, 50, 77), (17, 50, 78), (300, 4, 65), (70, 17, 1540),
            (1, 16, 5), (1, 128, 300), (2, 130, 64), (3, 257, 33), (4, 64, 128), (5, 700, 40), (8, 271, 97), (9, 128, 8), (1, 513, 200), (7, 191, 64), (3, 15, 20), (2, 8, 9),
        ];
        for (int s = 0; s < shapes.Length; s++) CompareAll(kernel, shapes[s].M, shapes[s].N, shapes[s].K, seed: s, Plain);
    }

    [Theory, MemberData(nameof(FastKernels))]
    public void Every_kernel_has_the_bits_of_the_definition_on_random_shapes(string kernel)
    {
        var random = new Random(5);
        for (int round = 0; round < 60; round++)
            CompareAll(kernel, random.Next(0, 140), random.Next(0, 140), random.Next(0, 90), seed: round, round % 2 == 0 ? Plain : Hostile);
    }

    [Theory, MemberData(nameof(FastKernels))]
    public void Products_of_more_than_one_block_in_each_direction_keep_the_bits_of_the_definition(string kernel)
    {
        int before = RowParallel.Threads;
        try
        {
            RowParallel.Threads = 1;                // the blocks of a single thread are the smallest: about 1024 rows and columns
            CompareAll(kernel, m: 1050, n: 1100, k: 5, seed: 3, Plain);
        }
        finally
        {
            RowParallel.Threads = before;
        }
    }

    [Theory, MemberData(nameof(FastKernels))]
    public void The_number_of_threads_does_not_change_a_bit(string kernel)
    {
        IDenseBackend backend = BackendOf(kernel);
        Strided A = Strided.Random(150, 700, 3, new Random(1), Plain);
        Strided B = Strided.Random(170, 700, 0, new Random(2), Plain);
        var results = new List<float[]>();
        int before = RowParallel.Threads;
        try
        {
            foreach (int threads in new[] { 1, 2, 3, 7 })
            {
                RowParallel.Threads = threads;
                var C = new Matrix(150, 170);
                backend.MultiplyTransposed(A.View, B.View, C.View, false);
                results.Add(C.Data);
            }
        }
        finally
        {
            RowParallel.Threads = before;
        }

        foreach (float[] result in results) AssertSameBits(results[0], result, "threads");
    }

    [Fact]
    public void Products_inside_a_parallel_loop_equal_those_outside()
    {
        Strided A = Strided.Random(70, 300, 0, new Random(1), Plain);
        Strided B = Strided.Random(80, 300, 0, new Random(2), Plain);
        var expected = new Matrix(70, 80);
        DenseProduct.MultiplyTransposed(A.View, B.View, expected.View);
        var results = new Matrix[12];
        RowParallel.For(results.Length, 1, (start, end) =>
        {
            for (int r = start; r < end; r++)
            {
                results[r] = new Matrix(70, 80);
                DenseProduct.MultiplyTransposed(A.View, B.View, results[r].View);
            }
        });

        foreach (Matrix result in results) AssertSameBits(expected.Data, result.Data, "nested");
    }

    [Fact]
    public void A_product_allocates_nothing_once_it_has_run()
    {
        var A = new Matrix(120, 300);
        var C = new Matrix(120, 120);
        var gram = new Matrix(300, 300);
        var product = new Matrix(120, 300);
        var few = new Matrix(2, 120);
        Action multiply = () =>
        {
            DenseProduct.MultiplyTransposed(A.View, A.View, C.View);
            DenseProduct.MultiplyTransposed(A.View.RowRange(0, 2), A.View, few.View);
            DenseProduct.SubtractProduct(C.View, A.View, product.View);
            DenseProduct.AddGramUpper(A.View, gram.View);
        };
        for (int round = 0; round < 20; round++) multiply();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 20; round++) multiply();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_product_is_as_near_to_the_exact_one_as_its_roundings_allow()
    {
        // k roundings, each at most ε/2 of a partial sum of at most Σ|a||b|(1 + kε): |error| ≤ k·ε·Σ|a||b| for ε = 2⁻²³.
        const int m = 75, n = 66, k = 900;
        Strided A = Strided.Random(m, k, 1, new Random(8), Plain);
        Strided B = Strided.Random(n, k, 2, new Random(9), Plain);
        var C = new Matrix(m, n);
        DenseProduct.MultiplyTransposed(A.View, B.View, C.View);
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double exact = 0, magnitude = 0;
                for (int p = 0; p < k; p++)
                {
                    exact += (double)A.View[i, p] * B.View[j, p];
                    magnitude += Math.Abs((double)A.View[i, p] * B.View[j, p]);
                }

                double bound = k * Math.Pow(2, -23) * magnitude;
                Assert.True(Math.Abs(C[i, j] - exact) <= bound, $"[{i}, {j}] = {C[i, j]}, exact {exact}, bound {bound}");
            }
        }
    }

    [Fact]
    public void A_product_leaves_the_gaps_between_rows_and_the_lower_triangle_alone()
    {
        foreach (DenseKernel.Choice kernel in DenseKernel.All.Where(kernel => kernel.IsAvailable))
        {
            IDenseBackend backend = DenseKernel.BackendOf(kernel);
            Strided X = Strided.Random(30, 77, 0, new Random(4), Plain);
            Strided H = Strided.Random(77, 77, 5, new Random(5), Plain);
            float[] before = (float[])H.Data.Clone();
            backend.AddGramUpper(X.View, H.View);
            for (int index = 0; index < H.Data.Length; index++)
            {
                int i = index / 82, j = index % 82;
                bool isWritten = j < 77 && j >= i;
                Assert.True(isWritten != (before[index] == H.Data[index]), $"{kernel.Name}: [{i}, {j}] was {before[index]}, is {H.Data[index]}");
            }
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused_with_both_shapes_named()
    {
        var A = new Matrix(2, 3);
        var B = new Matrix(4, 5);
        var C = new Matrix(2, 4);
        string message = Assert.Throws<ArgumentException>(() => DenseProduct.MultiplyTransposed(A.View, B.View, C.View)).Message;
        Assert.Contains("[2, 3]", message, StringComparison.Ordinal);
        Assert.Contains("[4, 5]", message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => DenseProduct.Multiply(A.View, B.View, C.View));
        Assert.Throws<ArgumentException>(() => DenseProduct.MultiplyFirstTransposed(A.View, B.View, C.View));
        Assert.Throws<ArgumentException>(() => DenseProduct.SubtractProduct(A.View, B.View, C.View));
        Assert.Throws<ArgumentException>(() => DenseProduct.AddGramUpper(A.View, C.View));
    }

    [Fact]
    public void An_unknown_or_impossible_kernel_is_refused_with_the_possible_ones_named()
    {
        string message = Assert.Throws<ArgumentException>(() => DenseKernel.Choose("mmx")).Message;
        Assert.Contains("HALFBIT_KERNEL=mmx", message, StringComparison.Ordinal);
        Assert.Contains("scalar", message, StringComparison.Ordinal);
        foreach (DenseKernel.Choice kernel in DenseKernel.All)
        {
            if (kernel.IsAvailable)
                Assert.Equal(kernel.Name, DenseKernel.Choose(kernel.Name).Name);
            else
                Assert.Throws<ArgumentException>(() => DenseKernel.Choose(kernel.Name));
        }

        Assert.Equal(DenseKernel.All.First(kernel => kernel.IsAvailable), DenseKernel.Choose(null));
        Assert.Contains("HALFBIT_BLAS=mkl", Assert.Throws<ArgumentException>(() => DenseBackend.Choose("mkl")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_emulated_fused_multiply_add_rounds_once()
    {
        var random = new Random(17);
        for (int round = 0; round < 200_000; round++)
        {
            float x = Hostile(random), y = Hostile(random), z = Hostile(random);
            if (round % 3 == 0) z = -(x * y);
            float expected = MathF.FusedMultiplyAdd(x, y, z);
            float actual = PortableFusedMultiplyAdd.Emulated(
                System.Runtime.Intrinsics.Vector128.Create(x), System.Runtime.Intrinsics.Vector128.Create(y), System.Runtime.Intrinsics.Vector128.Create(z))[0];
            Assert.True(HasSameBits(expected, actual), $"{x:r} · {y:r} + {z:r} = {expected:r}, got {actual:r}");
        }
    }

    private static void CompareAll(string kernel, int m, int n, int k, int seed, Func<Random, float> draw)
    {
        IDenseBackend backend = BackendOf(kernel);
        var random = new Random(seed);
        Strided A = Strided.Random(m, k, random.Next(4), random, draw);
        Strided transposedB = Strided.Random(n, k, random.Next(4), random, draw);
        Strided B = Strided.Random(k, n, random.Next(4), random, draw);
        Strided C = Strided.Random(m, n, random.Next(4), random, draw);
        Strided H = Strided.Random(n, n, random.Next(4), random, draw);
        Strided transposedA = Strided.Random(k, m, random.Next(4), random, draw);

        foreach (bool accumulate in new[] { false, true })
        {
            Compare(C, (by, c) => by.MultiplyTransposed(A.View, transposedB.View, c.View, accumulate), $"A·Bᵀ, accumulate {accumulate}");
            Compare(C, (by, c) => by.Multiply(A.View, B.View, c.View, accumulate), $"A·B, accumulate {accumulate}");
            Compare(C, (by, c) => by.MultiplyFirstTransposed(transposedA.View, B.View, c.View, accumulate), $"Aᵀ·B, accumulate {accumulate}");
        }

        Compare(C, (by, c) => by.SubtractProduct(A.View, B.View, c.View), "C − A·B");
        Compare(H, (by, h) => by.AddGramUpper(B.View, h.View), "Gram");

        void Compare(Strided start, Action<IDenseBackend, Strided> product, string what)
        {
            // The backends' contract leaves empty results (and an empty Gram sum) to their caller.
            if (start.View.Rows == 0 || start.View.Columns == 0 || (what == "Gram" && k == 0)) return;
            Strided expected = start.Copy();
            Strided actual = start.Copy();
            product(Definition, expected);
            product(backend, actual);
            AssertSameBits(expected.Data, actual.Data, $"{kernel}: {what}, m {m}, n {n}, k {k}, seed {seed}");
        }
    }

    private static IDenseBackend BackendOf(string kernel) => DenseKernel.BackendOf(DenseKernel.All.Single(choice => choice.Name == kernel));

    private static float Plain(Random random) => (random.NextSingle() * 2) - 1;

    /// <summary>Signed zeros, denormals, infinities, NaN and magnitudes whose products overflow or underflow.</summary>
    private static float Hostile(Random random) => random.Next(40) switch
    {
        0 => 0f,
        1 => -0f,
        2 => float.Epsilon * random.Next(1, 1000),
        3 => -float.Epsilon * random.Next(1, 1000),
        4 => random.Next(30) == 0 ? float.PositiveInfinity : 1e30f,
        5 => random.Next(30) == 0 ? float.NaN : -1e30f,
        6 => 1e-30f * random.NextSingle(),
        _ => Plain(random) * MathF.Pow(2, random.Next(-12, 12)),
    };

    private static void AssertSameBits(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int index = 0; index < expected.Length; index++)
            Assert.True(HasSameBits(expected[index], actual[index]), $"{what}: element {index} is {actual[index]:r}, expected {expected[index]:r}");
    }

    /// <summary>NaN counts as equal to NaN: its payload depends on the order of operands, which no definition fixes.</summary>
    private static bool HasSameBits(float x, float y)
        => BitConverter.SingleToInt32Bits(x) == BitConverter.SingleToInt32Bits(y) || (float.IsNaN(x) && float.IsNaN(y));

    /// <summary>A matrix whose rows have gaps.</summary>
    private sealed record Strided(float[] Data, int Rows, int Columns, int Stride)
    {
        public MatrixView<float> View => new(Data, Rows, Columns, Stride);

        public static Strided Random(int rows, int columns, int gap, Random random, Func<Random, float> draw)
        {
            var data = new float[rows * (columns + gap)];
            for (int index = 0; index < data.Length; index++) data[index] = draw(random);
            return new Strided(data, rows, columns, columns + gap);
        }

        public Strided Copy() => this with { Data = (float[])Data.Clone() };
    }
}
