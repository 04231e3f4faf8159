using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Training;

/// <summary>Gives the linear layers of a model's blocks the forms in which they are trained.</summary>
/// <param name="options">Which forms.</param>
internal sealed class WeightForms(QatOptions options)
{
    private const double DampingFraction = 0.01;
    private readonly PbLlmTrainingOptions partial = new()
    {
        SalientFraction = options.SalientFraction,
        Salience = options.Salience == SalienceMetric.Hessian ? SalienceRule.Hessian : SalienceRule.Magnitude,
    };

    /// <summary>Chooses salient weights where there are any, or makes room for those of a saved state.</summary>
    /// <param name="model">The model, with the original weights.</param>
    /// <param name="source">The original model.</param>
    /// <param name="workFolder">For hidden states that do not fit memory.</param>
    /// <param name="goesOn">Whether a state will be read.</param>
    /// <param name="cancellation">Ends the calibration.</param>
    public void Give(TrainableModel<float> model, Checkpoint source, string workFolder, bool goesOn, CancellationToken cancellation)
    {
        if (options.Binary is SignGradient gradient)
        {
            foreach (LinearUnit<float> linear in model.Linears) linear.Form = Binary(gradient, linear.Weight.Value);
        }
        else if (goesOn)
        {
            foreach (LinearUnit<float> linear in model.Linears) linear.Form = new PbLlmWeights<float>(linear.Rows, linear.Columns, partial);
        }
        else if (options.StartFolder is string start)
        {
            GiveThose(start, model);
        }
        else if (options.Salience == SalienceMetric.Hessian)
        {
            Decoder decoder = Decoder.Open(source);
            CalibrationHessians.Of(decoder, options, options.Training.LengthFor(decoder.Config), workFolder, (block, layer, H) =>
            {
                LinearUnit<float> linear = model.Blocks[block].Linears.Single(l => l.Name == layer);
                linear.Form = new PbLlmWeights<float>(linear.Weight.Value, partial, HessianFactor.Create(H, DampingFraction));
            }, cancellation);
        }
        else
        {
            foreach (LinearUnit<float> linear in model.Linears) linear.Form = new PbLlmWeights<float>(linear.Weight.Value, partial);
        }
    }

    private static IWeightForm<float> Binary(SignGradient gradient, Matrix<float> latent) => gradient switch
    {
        SignGradient.Clipped => new BinaryWeights<float, ClippedStraightThrough<float>>(latent, default),
        SignGradient.BiReal => new BinaryWeights<float, PiecewisePolynomial<float>>(latent, default),
        SignGradient.IrNet => new BinaryWeights<float, ErrorDecay<float>>(latent, new ErrorDecay<float>(0), progress => new ErrorDecay<float>(progress)),
        SignGradient.Fourier => new BinaryWeights<float, FourierSeries<float>>(latent, FourierSeries<float>.Usual),
        _ => new BinaryWeights<float, StraightThrough<float>>(latent, default),
    };

    /// <summary>Takes the salient weights of a packed model, and its signs with the magnitudes of the original weights: what error feedback has decided is kept, the scales stay.</summary>
    private void GiveThose(string folder, TrainableModel<float> model)
    {
        using Checkpoint start = Checkpoint.Open(folder);
        PackedCheckpoint packed = PackedCheckpoint.TryOpen(start) ?? throw new TrainingException($"{folder}: is no packed model; --from names what 'halfbit quantize --method pb-llm' wrote");
        foreach (LinearUnit<float> linear in model.Linears)
        {
            if (packed.TryFind(linear.Weight.Name)?.Matrix.Unpack() is not MixedMatrix { Low: SignMatrix low } mixed || mixed.Rows != linear.Rows || mixed.Columns != linear.Columns)
                throw new TrainingException($"{folder}: tensor '{linear.Weight.Name}' is not of PB-LLM [{linear.Rows}, {linear.Columns}]; --from names what 'halfbit quantize --method pb-llm' made of the same model");
            Matrix values = Matrix.Expand(mixed);
            Matrix<float> latent = linear.Weight.Value;
            for (int i = 0; i < latent.Rows; i++)
            {
                Span<float> w = latent.Row(i);
                for (int j = 0; j < w.Length; j++) w[j] = mixed.IsSalient[i, j] ? values[i, j] : low.Signs[i, j] ? MathF.Abs(w[j]) : -MathF.Abs(w[j]);
            }

            linear.Form = new PbLlmWeights<float>(latent, partial, factor: null, mixed.IsSalient);
        }
    }
}
