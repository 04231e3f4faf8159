using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>What must hold for every method, whatever it computes.</summary>
[Collection("thread count")]
public sealed class MethodPropertyTests
{
    private static readonly ToyLayer Layer = ToyLayer.Create(21, 99, seed: 1, dead: [4, 70]);

    public static TheoryData<string> Lines() => ToyMethods.All();

    [Theory, MemberData(nameof(Lines))]
    public void The_block_size_does_not_change_a_bit(string line)
    {
        if (ToyMethods.IsBlockMethod(line))
        {
            // The block is the group: another size is another result, so no size but the group's is taken.
            Assert.Contains("one block", Assert.Throws<OptionException>(() => ToyMethods.Create(line, "block-size=1")).Message, StringComparison.Ordinal);
            return;
        }

        float[] expected = ToyMethods.Quantize(line, Layer, "block-size=1").Approximation.Data;
        foreach (int blockSize in (int[])[2, 7, 16, 64, 98, 99, 100, 128, int.MaxValue])
            Assert.Equal(expected, ToyMethods.Quantize(line, Layer, $"block-size={blockSize}").Approximation.Data);
    }

    [Theory, MemberData(nameof(Lines))]
    public void The_number_of_threads_does_not_change_a_bit(string line)
    {
        ToyLayer layer = ToyLayer.Create(150, 64, seed: 2);
        float[][] results = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            using var count = new ThreadCount(threads);
            return ToyMethods.Quantize(line, layer).Approximation.Data;
        })];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Theory, MemberData(nameof(Lines))]
    public void Scaling_weights_by_a_power_of_two_scales_the_result(string line)
    {
        foreach (bool isHalf in (bool[])[false, true])
        {
            float[] expected = ToyMethods.Quantize(line, Layer.W, Layer.H, isHalf ? ToyMethods.HalfFor(Layer.W) : ScaleFormat.Exact).Approximation.Data;
            foreach (int power in (int[])[-24, -3, 1, 20])
            {
                var W = new Matrix(Layer.W.Rows, Layer.W.Columns, Array.ConvertAll(Layer.W.Data, w => MathF.ScaleB(w, power)));
                LayerResult result = ToyMethods.Quantize(line, W, Layer.H, isHalf ? ToyMethods.HalfFor(W) : ScaleFormat.Exact);
                Assert.Equal(Array.ConvertAll(expected, q => MathF.ScaleB(q, power)), result.Approximation.Data);
            }
        }
    }

    [Theory, MemberData(nameof(Lines))]
    public void Permuting_rows_permutes_the_rows_of_the_result(string line)
    {
        if (ToyMethods.HasColumnScales(line)) return;
        Matrix expected = ToyMethods.Quantize(line, Layer).Approximation;
        int[] order = [.. Enumerable.Range(0, Layer.W.Rows)];
        new Random(3).Shuffle(order);
        var W = new Matrix(Layer.W.Rows, Layer.W.Columns);
        for (int i = 0; i < order.Length; i++) Layer.W.Row(order[i]).CopyTo(W.Row(i));
        Matrix actual = ToyMethods.Quantize(line, Layer with { W = W }).Approximation;
        for (int i = 0; i < order.Length; i++) Assert.Equal(expected.Row(order[i]).ToArray(), actual.Row(i).ToArray());
    }

    [Theory, MemberData(nameof(Lines))]
    public void The_stored_form_stands_for_exactly_the_values_that_the_method_used(string line)
    {
        foreach (ScaleFormat format in (ScaleFormat[])[ScaleFormat.Exact, ToyMethods.HalfFor(Layer.W)])
        {
            LayerResult result = ToyMethods.Quantize(line, Layer.W, Layer.H, format);
            Assert.Equal(result.Approximation.Data, Matrix.Expand(result.Quantized).Data);
            if (!format.IsHalf) continue;
            Assert.Equal(result.Approximation.Data, Matrix.Expand(result.Quantized.Stored(format)).Data);
            Assert.Equal(result.Approximation.Data, Matrix.Expand(new PackedMatrix(Packer.Pack(result.Quantized))).Data);
        }
    }

    [Theory, MemberData(nameof(Lines))]
    public void Inputs_are_left_alone_and_results_are_finite(string line)
    {
        Matrix W = Matrix.CopyOf(Layer.W.View);
        Matrix H = Matrix.CopyOf(Layer.H.View);
        LayerResult result = ToyMethods.Quantize(line, W, H, ToyMethods.HalfFor(W));
        Assert.Equal(Layer.W.Data, W.Data);
        Assert.Equal(Layer.H.Data, H.Data);
        Assert.All(result.Approximation.Data, q => Assert.True(float.IsFinite(q)));
        Assert.InRange(result.NominalBits, 0.1, 16);
    }

    [Theory, MemberData(nameof(Lines))]
    public void Every_shape_can_be_quantized_packed_and_expanded(string line)
    {
        foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (1, 70), (70, 1), (2, 64), (3, 65), (17, 129)])
        {
            foreach (int kind in (int[])[0, 1, 2])
            {
                ToyLayer layer = ToyLayer.Create(rows, columns, seed: 11, tokens: 4);
                if (kind == 1) layer.W.Data.AsSpan().Clear(); // all zero
                if (kind == 2) layer.W.Data.AsSpan().Fill(-0.25f); // all equal
                LayerResult result = ToyMethods.Quantize(line, layer.W, layer.H, ToyMethods.HalfFor(layer.W));
                Assert.Equal(result.Approximation.Data, Matrix.Expand(new PackedMatrix(Packer.Pack(result.Quantized))).Data);
                Assert.All(result.Approximation.Data, q => Assert.True(float.IsFinite(q)));
            }
        }
    }

    [Theory, MemberData(nameof(Lines))]
    public void With_independent_inputs_feedback_changes_nothing(string line)
    {
        if (line.Contains("salience=hessian", StringComparison.Ordinal) || !ToyMethods.Create(line).Options.ContainsKey("compensation")) return;

        // Sensitivities come from U with compensation and from H without: the same numbers, but not the same bits.
        if (ToyMethods.IsBlockMethod(line) && !(line.Contains("search=scores fit=plain", StringComparison.Ordinal) && line.Contains("feedback=", StringComparison.Ordinal))) return;
        var H = new Matrix(Layer.W.Columns, Layer.W.Columns);
        for (int j = 0; j < H.Columns; j++) H[j, j] = 0.5f + (j % 5);
        string[] words = line.Replace(" compensation=on", "", StringComparison.Ordinal).Replace(" compensation=off", "", StringComparison.Ordinal).Split(' ');
        string method = words[0] is "rtn" or "gptq" ? string.Empty : words[0];
        float[] with = Quantized(method.Length == 0 ? "gptq" : method, "compensation=on");
        float[] without = Quantized(method.Length == 0 ? "rtn" : method, "compensation=off");
        Assert.Equal(without, with);

        float[] Quantized(string name, string compensation)
            => MethodCatalog.Create(name, words.Skip(1).Append(compensation).Select(w => w.Split('=')).ToDictionary(p => p[0], p => p[1]))
                .Quantize(Layer.W, new LayerStatistics(H), ScaleFormat.Exact).Approximation.Data;
    }

    [Theory]
    [InlineData("gptq bits=3 group-size=32")]
    [InlineData("gptq bits=2 group-size=-1")]
    [InlineData("xnor compensation=on")]
    [InlineData("sign compensation=on group-size=32")]
    [InlineData("pb-llm salient=0.1")]
    [InlineData("pb-llm salient=0.3 low=4bit")]
    [InlineData("billm group-size=32")]
    [InlineData("stbllm group-size=32")]
    [InlineData("stbllm keep=6:8 group-size=48 importance=ria means=off")]
    [InlineData("billm group-size=48 salience=magnitude means=off")]
    [InlineData("arb-llm group-size=32 column-group-bitmap=off")]
    [InlineData("arb-llm group-size=48 column-group-bitmap=off refine=arb-x")]
    public void Feedback_lowers_the_error_that_the_inputs_see(string line)
    {
        foreach (int seed in (int[])[1, 2, 3, 4, 5, 6])
        {
            ToyLayer layer = ToyLayer.Create(64, 96, seed);
            double with = WeightedError.Of(layer.W, ToyMethods.Quantize(line, layer).Approximation, layer.H);
            string plain = line.Replace("gptq", "rtn", StringComparison.Ordinal).Replace(" compensation=on", "", StringComparison.Ordinal);
            double without = WeightedError.Of(layer.W, MethodWithoutFeedback(plain, layer), layer.H);
            Assert.True(with < without, $"seed {seed}: {with} with feedback, {without} without");
        }
    }

    private static Matrix MethodWithoutFeedback(string line, ToyLayer layer)
        => ToyMethods.Create(line, "compensation=off").Quantize(layer.W, layer.Statistics, ScaleFormat.Exact).Approximation;
}
