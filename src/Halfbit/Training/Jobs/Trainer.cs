using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Halfbit.Training;

/// <summary>
/// The loop: for each step draw sequences, add up gradients, clip, update. The state is written at times and when the run is interrupted; a run that goes on from it ends in the same bits.
/// </summary>
internal sealed class Trainer
{
    /// <summary>A loss that far above that of the first steps, nats per token, has diverged.</summary>
    private const double Divergence = 2;

    /// <summary>Steps whose mean loss is the measure of divergence.</summary>
    private const int FirstSteps = 5;

    private readonly TrainableModel<float> model;
    private readonly TrainingText text;
    private readonly TrainingOptions options;
    private readonly LossSettings loss;
    private readonly ITeacher<float>? teacher;
    private readonly AdamW<float> optimizer;
    private readonly CosineSchedule schedule;
    private readonly List<StateTensor> tensors;
    private readonly float[] firstLosses = new float[FirstSteps];
    private readonly int[] inputs;
    private readonly int[] targets;
    private TrainingPosition position = TrainingPosition.Start;

    /// <summary>A run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">What it learns from.</param>
    /// <param name="options">How.</param>
    /// <param name="loss">What is minimized.</param>
    /// <param name="teacher">Whose predictions are learnt; null: nobody's.</param>
    public Trainer(TrainableModel<float> model, TrainingText text, TrainingOptions options, LossSettings loss, ITeacher<float>? teacher)
    {
        (this.model, this.text, this.options, this.loss, this.teacher) = (model, text, options, loss, teacher);
        Dictionary<Parameter<float>, IWeightForm<float>> forms = model.Linears.Where(l => l.Form is not null).ToDictionary(l => l.Weight, l => l.Form!);
        optimizer = new AdamW<float>(model.Parameters, new AdamWOptions { WeightDecay = options.WeightDecay }, p => forms.GetValueOrDefault(p)?.Frozen);
        schedule = new CosineSchedule(options.LearningRate, options.Steps, (long)Math.Ceiling(options.WarmUp * options.Steps), options.Floor * options.LearningRate);
        tensors = TrainingState.Tensors(model.Parameters, optimizer, forms.GetValueOrDefault);
        tensors.Add(StateTensor.Of("first losses", [FirstSteps], firstLosses));
        int atOnce = options.SequencesAtOnce(text.Length);
        (inputs, targets) = (new int[atOnce * text.Length], new int[atOnce * text.Length]);
    }

    /// <summary>Updates done.</summary>
    public int Step => (int)position.Step;

    /// <summary>Goes on from a state.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">Everything that decides the result.</param>
    public void Resume(string path, JsonObject identity)
    {
        position = TrainingState.Read(path, tensors, identity);
        optimizer.Resume(position.Step);
    }

    /// <summary>Writes the state.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">Everything that decides the result.</param>
    public void Save(string path, JsonObject identity) => TrainingState.Write(path, tensors, position, identity);

    /// <summary>Trains to the last step.</summary>
    /// <param name="save">Writes the state; called at the start, at times and when the run is cancelled.</param>
    /// <param name="evaluate">Measures perplexity.</param>
    /// <param name="report">Told after every step.</param>
    /// <param name="cancellation">Ends the run before the next sequences pass; what they would add to is dropped, the state of the last whole step is saved.</param>
    /// <exception cref="TrainingException">The loss diverged; the last saved state is kept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Run(Action save, Func<double>? evaluate, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        double saved = 0;
        int first = Step;
        int every = options.EvaluateEvery ?? Math.Max(1, options.Steps / 10);
        model.Refresh();
        if (Step == 0) save();
        while (Step < options.Steps)
        {
            double rate = schedule.At(position.Step);
            if (Update(rate, cancellation) is not (LossSums sums, double norm))
            {
                save();
                throw new OperationCanceledException(cancellation);
            }

            double perStep = watch.Elapsed.TotalSeconds / (Step - first);
            report(new TrainingProgress
            {
                Step = Step,
                Steps = options.Steps,
                Loss = sums.Mean(loss),
                NegativeLogLikelihood = sums.NegativeLogLikelihood / sums.Tokens,
                Divergence = loss.TeacherShare > 0 ? sums.Divergence / sums.Tokens : null,
                LearningRate = rate,
                GradientNorm = norm,
                TokensPerSecond = options.Batch * text.Length / perStep,
                SecondsLeft = perStep * (options.Steps - Step),
                Perplexity = evaluate is not null && Step % every == 0 && Step < options.Steps ? evaluate() : null,
            });
            if (Step == options.Steps || watch.Elapsed.TotalSeconds - saved >= options.SaveSeconds)
            {
                save();
                saved = watch.Elapsed.TotalSeconds;
            }
        }
    }

    /// <summary>One step; null when it was cancelled before anything changed.</summary>
    private (LossSums Sums, double Norm)? Update(double rate, CancellationToken cancellation)
    {
        model.ClearGradients();
        model.Advance((double)position.Step / options.Steps);
        LossSums sums = default;
        double weight = 1.0 / ((long)options.Batch * text.Length);
        for (int done = 0; done < options.Batch;)
        {
            if (cancellation.IsCancellationRequested) return null;
            int count = Math.Min(inputs.Length / text.Length, options.Batch - done) * text.Length;
            text.Draw(position.Sequences + done, inputs.AsSpan(0, count), targets.AsSpan(0, count));
            sums += model.ForwardBackward(inputs.AsSpan(0, count), targets.AsSpan(0, count), text.Length, loss, teacher, weight);
            done += count / text.Length;
        }

        CheckLoss(sums.Mean(loss));
        model.PullBack();
        double norm = GradientNorm.Of(model.Parameters);
        if (!double.IsFinite(norm)) throw Diverged("the norm of the gradients is not finite");
        optimizer.Update(rate, GradientNorm.ClippingFactor(norm, options.Clip));
        model.Refresh();
        position = position with { Step = position.Step + 1, Sequences = position.Sequences + options.Batch };
        return (sums, norm);
    }

    private void CheckLoss(double value)
    {
        if (!double.IsFinite(value)) throw Diverged("the loss is not finite");
        int known = Math.Min(Step, FirstSteps);
        float start = known == 0 ? float.PositiveInfinity : firstLosses.Take(known).Average();
        if (value > start + Divergence) throw Diverged(FormattableString.Invariant($"the loss is {value:F3}, in the first steps it was {start:F3}"));
        if (Step < FirstSteps) firstLosses[Step] = (float)value;
    }

    private TrainingException Diverged(string what)
        => new(FormattableString.Invariant($"training diverged at step {Step + 1}: {what}; the last saved state is kept; train again with a lower --lr than {options.LearningRate} or a longer --warmup, and --overwrite"));
}
