using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>A training run of one partially binarized layer and one vector: y = Ŵ·x + b fitted to seeded targets, batches drawn from a toy text.</summary>
internal sealed class ToyRun
{
    private const int Rows = 19;
    private const int Columns = 70;
    private static readonly PbLlmTrainingOptions Form = new() { SalientFraction = 0.2 };
    private readonly TrainingText text = new([.. Enumerable.Range(0, 301).Select(k => k * 7 % 97)], 3, 2, 11, "toy");
    private readonly Parameter<float> weight;
    private readonly Parameter<float> bias;
    private readonly PbLlmWeights<float> form;
    private readonly AdamW<float> optimizer;
    private long sequences;

    public ToyRun(bool isResumed = false)
    {
        weight = new Parameter<float>("weight", ToyParameters.Noise<float>(Rows, Columns, 1, 0.1));
        bias = ToyParameters.Parameter<float>("bias", 1, Rows, 2, decays: false);
        form = isResumed ? new PbLlmWeights<float>(Rows, Columns, Form) : new PbLlmWeights<float>(weight.Value, Form);
        optimizer = new AdamW<float>([weight, bias], new AdamWOptions { WeightDecay = 0.01 }, p => p == weight ? form.Frozen : null);
    }

    public static JsonObject Options => new() { ["model"] = "toy", ["lr"] = 0.01, ["seed"] = 11, ["form"] = new JsonObject { ["salient"] = 0.2 } };

    public List<StateTensor> Tensors => TrainingState.Tensors([weight, bias], optimizer, p => p == weight ? form : null);

    public IEnumerable<float> Values => weight.Value.Data.Concat(bias.Value.Data);

    public void Train(int steps)
    {
        var buffer = new Matrix<float>(Rows, Columns);
        for (int s = 0; s < steps; s++)
        {
            var inputs = new int[6];
            var targets = new int[6];
            text.Draw(sequences, inputs, targets);
            sequences += 2;
            form.Forward(weight.Value, buffer);
            weight.Gradient.Data.AsSpan().Clear();
            for (int i = 0; i < Rows; i++)
            {
                bias.Gradient.Data[i] = 0;
                for (int t = 0; t < inputs.Length; t++)
                {
                    float y = bias.Value.Data[i];
                    for (int j = 0; j < Columns; j++) y += buffer.Row(i)[j] * MathF.Sin(inputs[t] + j);
                    float g = y - (targets[t] / 97f);
                    for (int j = 0; j < Columns; j++) weight.Gradient.Row(i)[j] += g * MathF.Sin(inputs[t] + j);
                    bias.Gradient.Data[i] += g;
                }
            }

            form.Backward(weight.Value, weight.Gradient);
            double norm = GradientNorm.Of([weight, bias]);
            optimizer.Update(0.01, GradientNorm.ClippingFactor(norm, 1));
        }
    }

    public void Save(string path) => TrainingState.Write(path, Tensors, new TrainingPosition(optimizer.Step, sequences, [1, ulong.MaxValue]), Options);

    public static ToyRun Load(string path, JsonObject? options = null)
    {
        var run = new ToyRun(isResumed: true);
        TrainingPosition position = TrainingState.Read(path, run.Tensors, options ?? Options);
        Assert.Equal([1, ulong.MaxValue], position.Random);
        run.optimizer.Resume(position.Step);
        run.sequences = position.Sequences;
        return run;
    }
}
