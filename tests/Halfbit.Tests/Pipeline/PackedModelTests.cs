using Halfbit.Generation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>Whole models that multiply with packed weights, against the same models with expanded weights.</summary>
public sealed class PackedModelTests
{
    public static TheoryData<string, string> Methods() => new()
    {
        { "xnor", "" },
        { "sign", "group-size=16" },
        { "rtn", "bits=3" },
        { "gptq", "bits=8" },
        { "pb-llm", "salient=0.1" },
        { "pb-llm", "low=2bit" },
        { "pb-llm", "low=prune" },
        { "pb-llm", "low=none" },
        { "billm", "group-size=16" },
        { "billm", "feedback=exact" },
        { "stbllm", "keep=4:8" },
        { "stbllm", "variant=strict" },
        { "arb-llm", "group-size=32" },
        { "arb-llm", "means=on" },
    };

    [Theory, MemberData(nameof(Methods))]
    public void Exact_logits_are_those_of_the_expanded_weights_and_eight_bits_come_near(string method, string options)
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        (string, string)[] given = options.Length == 0 ? [] : [(options.Split('=')[0], options.Split('=')[1])];
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], method, given));
        int[] tokens = [256, 72, 101, 108, 108, 111, 44, 32, 119, 111, 114];
        Matrix expected = Logits(folder["out"], null, tokens);
        Matrix exact = Logits(folder["out"], ActivationPrecision.Exact, tokens);
        Matrix rounded = Logits(folder["out"], ActivationPrecision.EightBits, tokens);
        float largest = expected.View.Data.ToArray().Max(MathF.Abs);
        Assert.InRange(Distance(expected, exact), 0, 1e-5 * largest);
        Assert.InRange(Distance(expected, rounded), method == "pb-llm" && options == "low=none" ? 0 : 1e-9, 0.05 * largest);
    }

    [Fact]
    public void Greedy_text_is_the_same_for_any_number_of_threads_and_pieces_of_the_prompt()
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], "stbllm"));
        using ModelFolder packed = ModelFolder.Open(folder["out"], ActivationPrecision.EightBits);
        var texts = new List<string>();
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var count = new ThreadCount(threads);
            foreach (int piece in (int[])[1, 5, 64])
            {
                GenerationResult result = new Generator(packed.Decoder).Generate([256, 10, 20, 30, 40, 50, 60], new GenerationOptions { MaxNewTokens = 20, PromptPiece = piece, StopTokens = [] });
                texts.Add(string.Join(' ', result.Ids));
            }
        }

        Assert.Single(texts.Distinct());
    }

    [Theory, InlineData("sign", CachePrecision.Full), InlineData("pb-llm", CachePrecision.Full), InlineData("sign", CachePrecision.EightBits), InlineData("stbllm", CachePrecision.Full)]
    public void A_token_allocates_nothing(string method, CachePrecision precision)
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"], method));
        using ModelFolder packed = ModelFolder.Open(folder["out"], ActivationPrecision.EightBits);
        using var one = new ThreadCount(1);
        KeyValueCache cache = packed.Decoder.NewCache(ToyCheckpoint.Context, precision);
        var logits = new Matrix(1, packed.Decoder.Config.VocabularySize);
        var batch = new SequenceBatch();
        long before = 0;
        for (int t = 0; t < ToyCheckpoint.Context - 2; t++)
        {
            if (t == ToyCheckpoint.Context / 2) before = GC.GetAllocatedBytesForCurrentThread();
            batch.Clear();
            batch.Add([t + 1], cache);
            packed.Decoder.Logits(packed.Decoder.Forward(batch), [0], logits);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static Matrix Logits(string folder, ActivationPrecision? precision, int[] tokens)
    {
        using ModelFolder model = ModelFolder.Open(folder, precision);
        return model.Decoder.Logits(tokens);
    }

    private static double Distance(Matrix a, Matrix b) => a.View.Data.ToArray().Zip(b.View.Data.ToArray(), (x, y) => Math.Abs((double)x - y)).Max();
}
