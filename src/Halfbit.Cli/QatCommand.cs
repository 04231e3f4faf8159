using System.CommandLine;
using Halfbit.Quantization;
using Halfbit.Training;

namespace Halfbit.Cli;

/// <summary>halfbit qat: quantization-aware training.</summary>
internal static class QatCommand
{
    private const double DefaultRate = 1e-3;

    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        var output = new Option<string>("-o", "--out") { Description = "Folder to write; complete or absent, a partial job lives in OUT.partial", HelpName = "OUT", Required = true };
        var salient = new Option<double>("--salient") { Description = "Share of the weights that is salient: frozen, stored at 8 bit (default: 0.1)", HelpName = "X", DefaultValueFactory = _ => 0.1 };
        Option<string> salience = new Option<string>("--salience") { Description = "What makes a weight salient: its magnitude, or what it costs by the Hessian of its inputs (default: magnitude)", HelpName = "magnitude|hessian", DefaultValueFactory = _ => "magnitude" }.AcceptOnlyFromAmong("magnitude", "hessian");
        Option<string?> binary = new Option<string?>("--binary") { Description = "Binarize whole layers instead, with this estimator of the gradient through a sign", HelpName = "ste|clipped|bi-real|ir-net|fda" }.AcceptOnlyFromAmong("ste", "clipped", "bi-real", "ir-net", "fda");
        var start = new Option<string?>("--from") { Description = "Model that 'halfbit quantize --method pb-llm' made of the same original: its salient weights and its signs are the start", HelpName = "PACKED" };
        var teacher = new Option<double>("--teacher") { Description = "Share of the loss that is the divergence from the original model's predictions; the rest is cross-entropy (default: 0.9)", HelpName = "X", DefaultValueFactory = _ => 0.9 };
        var temperature = new Option<double>("--temperature") { Description = "Temperature of the divergence (default: 1)", HelpName = "X", DefaultValueFactory = _ => 1 };
        Option<string> train = new Option<string>("--train") { Description = "What is trained: the blocks' linear layers with their biases; norms, too; or everything (default: norms)", HelpName = "linears|norms|all", DefaultValueFactory = _ => "norms" }.AcceptOnlyFromAmong("linears", "norms", "all");
        var calibration = new Option<string?>("--calibration") { Description = "Text for the Hessians (default: the original model writes its own)", HelpName = "FILE" };
        var samples = new Option<int>("--samples") { Description = "Calibration sequences (default: 128)", HelpName = "N", DefaultValueFactory = _ => 128 };
        var training = new TrainingArguments(DefaultRate);
        Option<int?> threads = SharedOptions.Threads();
        var resume = new Option<bool>("--resume") { Description = "Go on with a partial job from its last saved state" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace OUT, or start a partial job again" };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("qat", SharedOptions.WithExample(
            "Quantization-aware training by PB-LLM: salient weights frozen at 8 bit, the others learn behind their signs; writes a packed model, metrics.jsonl and loss.svg",
            "halfbit qat samples/llama-13m -o out --salient 0.1 --data train.txt --steps 500 --eval book.txt"))
        {
            model, output, salient, salience, binary, start, teacher, temperature, train, calibration, samples,
        };
        training.AddTo(command);
        foreach (Option option in (Option[])[threads, resume, overwrite, json]) command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            var options = new QatOptions
            {
                ModelFolder = parsed.GetValue(model)!,
                OutputFolder = parsed.GetValue(output)!,
                Training = training.Options(parsed),
                SalientFraction = parsed.GetValue(salient),
                Salience = parsed.GetValue(salience) == "hessian" ? SalienceMetric.Hessian : SalienceMetric.Magnitude,
                Binary = GradientOf(parsed.GetValue(binary)),
                StartFolder = parsed.GetValue(start),
                TeacherShare = parsed.GetValue(teacher),
                Temperature = parsed.GetValue(temperature),
                Trained = Enum.Parse<TrainedTensors>(parsed.GetValue(train)!, ignoreCase: true),
                CalibrationFile = parsed.GetValue(calibration),
                CalibrationSamples = SharedOptions.AtLeast("--samples", parsed.GetValue(samples), 1),
                Resume = parsed.GetValue(resume),
                Overwrite = parsed.GetValue(overwrite),
            };
            TrainingArguments.Check(options.Validate);
            TrainingReport report = TrainingArguments.Run(options.OutputFolder, show => QatJob.Run(options, show, cancellation));
            if (parsed.GetValue(json)) JsonOutput.Write(TrainingArguments.ToJson(options.OutputFolder, report));
            else TrainingArguments.Print(options.OutputFolder, options.Binary is null ? "PB-LLM trained" : "binarized and trained", options.Training, report);
            return Failure.None;
        })));
        return command;
    }

    private static SignGradient? GradientOf(string? name) => name switch
    {
        null => null,
        "ste" => SignGradient.Straight,
        "clipped" => SignGradient.Clipped,
        "bi-real" => SignGradient.BiReal,
        "ir-net" => SignGradient.IrNet,
        _ => SignGradient.Fourier,
    };
}
