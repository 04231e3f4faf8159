using System.Text.Json;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

/// <summary>Reference logits of one sequence, as reference.json holds them: computed by other programs in single precision.</summary>
internal sealed record ModelReference(int[] Ids, int[][] TopIds, float[][] TopLogits, double[] LogSumExp, Dictionary<int, float[]> FullLogits, double? MeanNll)
{
    public static ModelReference OfProbe(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return Of(document.RootElement);
    }

    public static ModelReference Of(JsonElement root) => new(
        root.GetProperty("input_ids").Deserialize<int[]>()!,
        root.GetProperty("top5_ids").Deserialize<int[][]>()!,
        root.GetProperty("top5_logits").Deserialize<float[][]>()!,
        root.GetProperty("logsumexp").Deserialize<double[]>()!,
        root.GetProperty("full_logits").EnumerateObject().ToDictionary(p => int.Parse(p.Name), p => p.Value.Deserialize<float[]>()!),
        root.TryGetProperty("mean_next_token_nll", out JsonElement nll) ? nll.GetDouble() : null);

    /// <summary>Compares all that the reference holds; differences are relative to the largest reference logit.</summary>
    public void AssertEqual(Matrix logits, double tolerance)
    {
        double largest = Math.Max(FullLogits.Values.Max(v => v.Max(Math.Abs)), TopLogits.Max(v => v.Max(Math.Abs)));
        double bound = tolerance * largest;
        foreach ((int position, float[] expected) in FullLogits)
        {
            for (int id = 0; id < expected.Length; id++) Near(expected[id], logits[position, id], bound, $"logit {id} at position {position}");
        }

        double sumOfNll = 0;
        for (int t = 0; t < Ids.Length; t++)
        {
            for (int k = 0; k < TopIds[t].Length; k++) Near(TopLogits[t][k], logits[t, TopIds[t][k]], bound, $"top {k} at position {t}");
            double logSumExp = LogSumExpOf(logits.Row(t));
            Near(LogSumExp[t], logSumExp, bound, $"logsumexp at position {t}");
            if (t + 1 < Ids.Length) sumOfNll += logSumExp - logits[t, Ids[t + 1]];
        }

        if (MeanNll is double nll) Near(nll, sumOfNll / (Ids.Length - 1), bound, "mean next token nll");
    }

    public static double LogSumExpOf(ReadOnlySpan<float> logits)
    {
        double max = double.NegativeInfinity;
        foreach (float logit in logits) max = Math.Max(max, logit);
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - max);
        return max + Math.Log(sum);
    }

    private static void Near(double expected, double actual, double bound, string what)
        => Assert.True(Math.Abs(expected - actual) <= bound, $"{what}: expected {expected}, actual {actual}, bound {bound}");
}
