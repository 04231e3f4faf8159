using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Quantization.PbLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Reference;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

public sealed class PbLlmTests
{
    [Theory]
    [InlineData("magnitude", 0.9, -1, 0)]
    [InlineData("magnitude", 0.5, 10, 0)]
    [InlineData("magnitude", 0.8, 17, 4)]
    [InlineData("magnitude", 0.3, -1, 3)]
    [InlineData("hessian", 0.9, -1, 0)]
    [InlineData("hessian", 0.5, 16, 0)]
    [InlineData("hessian", 0.95, 50, 0)]
    [InlineData("hessian", 0.999999, -1, 0)]
    [InlineData("magnitude", 0.999999, -1, 2)]
    [InlineData("magnitude", 1e-9, -1, 2)]
    public void Salient_are_the_scores_above_the_element_of_index_floor_of_m_times_f_per_column_group(string salience, double lowFraction, int groupSize, int levels)
    {
        ToyLayer layer = ToyLayer.Create(13, 50, seed: 7);
        if (levels > 0) // few different magnitudes: ties at the threshold
        {
            var random = new Random(2);
            foreach (ref float w in layer.W.Data.AsSpan()) w = 0.5f * random.Next(-levels, levels + 1);
        }

        LayerResult result = ToyMethods.Quantize($"pb-llm low-frac={lowFraction:R} salience={salience} group-size={groupSize}", layer);
        double[,] U = Factorization.UpperOfInverse(layer.H, 0.01);
        int width = groupSize == -1 ? 50 : groupSize;
        for (int start = 0; start < 50; start += width)
        {
            int end = Math.Min(50, start + width);
            var scores = new List<(int I, int J, double Score)>();
            for (int i = 0; i < 13; i++)
            {
                for (int j = start; j < end; j++)
                    scores.Add((i, j, salience == "magnitude" ? Math.Abs(layer.W[i, j]) : Math.Pow(layer.W[i, j] / U[j, j], 2)));
            }

            double threshold = scores.Select(s => s.Score).Order().ElementAt((int)(scores.Count * lowFraction));
            foreach ((int i, int j, double score) in scores) Assert.True(result.Salient![i, j] == score > threshold * (1 + 1e-9), $"[{i}, {j}] has score {score}, the threshold is {threshold}");
            if (levels == 0) Assert.Equal(scores.Count - (int)(scores.Count * lowFraction) - 1, scores.Count(s => result.Salient![s.I, s.J]));
        }
    }

    [Theory]
    [InlineData("salient=0", 0)]
    [InlineData("low-frac=1", 0)]
    [InlineData("salient=1", 650)]
    [InlineData("low-frac=0", 650)]
    public void All_or_nothing_may_be_salient(string option, int expected)
    {
        ToyLayer layer = ToyLayer.Create(13, 50, seed: 7, dead: [9]);
        foreach (string salience in (string[])["salience=hessian", "salience=magnitude"])
        {
            LayerResult result = ToyMethods.Quantize("pb-llm", layer, option, salience);
            Assert.Equal(expected, result.Salient!.CountSet());
            Assert.Equal(expected == 0 ? 1 : 8, result.NominalBits);
        }
    }

    [Fact]
    public void Everything_salient_is_eight_bit_rounding_with_feedback()
    {
        ToyLayer layer = ToyLayer.Create(13, 50, seed: 7);
        double whole = WeightedError.Of(layer.W, null, layer.H);
        double error = WeightedError.Of(layer.W, ToyMethods.Quantize("pb-llm salient=1", layer).Approximation, layer.H);
        Assert.InRange(error / whole, 1e-8, 1e-4);
    }

    [Fact]
    public void Salient_share_and_low_fraction_say_the_same()
    {
        ToyLayer layer = ToyLayer.Create(13, 50, seed: 7);
        foreach ((string salient, string low) in ((string, string)[])[("0.1", "0.9"), ("0.2", "0.8"), ("0.05", "0.95"), ("0.5", "0.5")])
            Assert.Equal(ToyMethods.Quantize("pb-llm", layer, "salient=" + salient).Approximation.Data, ToyMethods.Quantize("pb-llm", layer, "low-frac=" + low).Approximation.Data);
    }

    [Fact]
    public void More_salient_weights_cost_more_and_err_less()
    {
        ToyLayer layer = ToyLayer.Create(64, 96, seed: 5);
        double lastError = double.PositiveInfinity;
        double lastBits = 0;
        foreach (string salient in (string[])["0", "0.02", "0.05", "0.1", "0.3", "0.6", "1"])
        {
            LayerResult result = ToyMethods.Quantize("pb-llm salient=" + salient, layer);
            double error = WeightedError.Of(layer.W, result.Approximation, layer.H);
            Assert.True(error < lastError, $"salient {salient}: {error}, before {lastError}");
            Assert.True(result.NominalBits > lastBits);
            (lastError, lastBits) = (error, result.NominalBits);
        }
    }

    [Theory]
    [InlineData("xnor", 1, 0)]
    [InlineData("sign", 1, 0)]
    [InlineData("2bit", 2, 0)]
    [InlineData("4bit", 4, 0)]
    [InlineData("prune", 0, 0)]
    [InlineData("none", 16, 0)]
    public void Without_feedback_each_code_is_what_its_name_says(string low, double nominal, int unused)
    {
        Assert.Equal(0, unused);
        ToyLayer layer = ToyLayer.Create(16, 64, seed: 8);
        LayerResult result = ToyMethods.Quantize($"pb-llm salient=0.25 compensation=off salience=magnitude low={low}", layer);
        double salientShare = result.Salient!.CountSet() / (16.0 * 64);
        Assert.Equal((8 * salientShare) + (nominal * (1 - salientShare)), result.NominalBits, 9);
        for (int i = 0; i < 16; i++)
        {
            int[] lows = [.. Enumerable.Range(0, 64).Where(j => !result.Salient[i, j])];
            (double mu, double alpha) = (0, lows.Average(j => Math.Abs((double)layer.W[i, j])));
            if (low == "xnor") (mu, alpha) = LevelsOf(result, i);
            float step = (layer.W.Row(i).ToArray().Max() - layer.W.Row(i).ToArray().Min()) / 255;
            for (int j = 0; j < 64; j++)
            {
                float w = layer.W[i, j];
                float q = result.Approximation[i, j];
                if (result.Salient[i, j]) Assert.InRange(MathF.Abs(w - q), 0, 1.01f * step);
                else if (low is "xnor" or "sign") Assert.Equal(w >= mu ? mu + alpha : mu - alpha, q, 1e-7);
                else if (low == "prune") Assert.Equal(0f, q);
                else if (low == "none") Assert.Equal(w, q);
            }

            if (low is "2bit" or "4bit") Assert.InRange(lows.Select(j => result.Approximation[i, j]).Distinct().Count(), 2, low == "2bit" ? 4 : 16);
        }
    }

    [Fact]
    public void Levels_of_the_low_set_are_the_sensitivity_weighted_means_of_its_halves()
    {
        ToyLayer layer = ToyLayer.Create(6, 40, seed: 9, dead: [3]);
        BitMatrix isSalient = ToyMethods.Quantize("pb-llm salient=0.2 compensation=off", layer).Salient!;
        double[,] U = Factorization.UpperOfInverse(layer.H, 0.01);
        var sensitivity = new LowSensitivity(HessianFactor.Create(layer.H, 0.01), isSalient, power: 1);
        var low = Assert.IsType<SignMatrix>(LowPrecisions.Fit(layer.W, isSalient, sensitivity, stretch: 1, new PbLlmOptions(), ScaleFormat.Exact).ToMatrix());
        for (int i = 0; i < 6; i++)
        {
            (double W, double Omega)[] lows =
                [.. Enumerable.Range(0, 40).Where(j => !isSalient[i, j] && j != 3).Select(j => ((double)layer.W[i, j], 1 / (U[j, j] * U[j, j])))];
            (double mu, double alpha) = (low.Mu![i], low.Alpha[i]);
            Assert.Equal(WeightedMean(lows.Where(l => l.W >= mu)), mu + alpha, 1e-6);
            Assert.Equal(WeightedMean(lows.Where(l => l.W < mu)), mu - alpha, 1e-6);

            double mean = WeightedMean(lows);
            double deviation = lows.Sum(l => l.Omega * Math.Abs(l.W - mean)) / lows.Sum(l => l.Omega);
            Assert.True(Error(lows, mu, alpha) <= Error(lows, mean, deviation) * (1 + 1e-6));
        }
    }

    [Theory, InlineData("on"), InlineData("off")]
    public void The_searched_fit_is_never_worse_than_the_plain_one(string compensation)
    {
        for (int seed = 20; seed < 26; seed++)
        {
            ToyLayer layer = ToyLayer.Create(24, 64, seed);
            LayerResult result = ToyMethods.Quantize($"pb-llm salient=0.1 compensation={compensation}", layer);
            var factor = HessianFactor.Create(layer.H, 0.01);
            AffineGrid[] grids = [.. Enumerable.Range(0, 24).Select(i => AffineGrid.FromRange(layer.W.Row(i).ToArray().Min(), layer.W.Row(i).ToArray().Max(), 256, ScaleFormat.Exact))];
            var walk = new PartialWalk(layer.W, result.Salient!, grids, factor, new PbLlmOptions { Compensation = compensation == "on" }, ScaleFormat.Exact);
            foreach (LowFit fit in (LowFit[])[LowFit.Plain, new LowFit(1, 1)])
            {
                walk.Run(fit, out Matrix Q);
                double plain = WeightedError.Of(layer.W, Q, layer.H);
                Assert.True(WeightedError.Of(layer.W, result.Approximation, layer.H) <= plain * (1 + 1e-9), $"seed {seed}, power {fit.SensitivityPower}");
            }
        }
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PbLlm(new PbLlmOptions { LowFraction = 1.1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PbLlm(new PbLlmOptions { LowFraction = double.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PbLlm(new PbLlmOptions { SalientBits = 9 }));
        Assert.Throws<ArgumentNullException>(() => new PbLlm(new PbLlmOptions()).Quantize(new Matrix(2, 2), null, ScaleFormat.Exact));
    }

    private static (double Mu, double Alpha) LevelsOf(LayerResult result, int row)
    {
        var low = Assert.IsType<SignMatrix>(Assert.IsType<MixedMatrix>(result.Quantized).Low);
        return (low.Mu![row], low.Alpha[row]);
    }

    private static double WeightedMean(IEnumerable<(double W, double Omega)> weights)
        => weights.Sum(l => l.Omega * l.W) / weights.Sum(l => l.Omega);

    private static double Error(IEnumerable<(double W, double Omega)> weights, double mu, double alpha)
        => weights.Sum(l => l.Omega * Math.Pow(Math.Abs(l.W - mu) - alpha, 2));

    [Fact]
    public void Salient_columns_are_the_share_that_was_asked_for_and_cost_no_index()
    {
        ToyLayer layer = ToyLayer.Create(64, 200, seed: 12);
        LayerResult strict = ToyMethods.Quantize("pb-llm variant=strict salient=0.1", layer);
        for (int j = 0; j < 200; j++)
        {
            for (int i = 1; i < 64; i++) Assert.Equal(strict.Salient![0, j], strict.Salient[i, j]);
        }

        Assert.Equal(20 * 64, strict.Salient!.CountSet());
        double perWeight = Packer.TrueBits(ToyMethods.Quantize("pb-llm salient=0.1", layer).Quantized.Stored(ToyMethods.HalfFor(layer.W)));
        double perColumn = Packer.TrueBits(strict.Quantized.Stored(ToyMethods.HalfFor(layer.W)));
        Assert.True(perColumn < perWeight - 0.2, $"{perColumn} against {perWeight}");
    }
}
