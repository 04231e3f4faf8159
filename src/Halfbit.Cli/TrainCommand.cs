using System.CommandLine;
using Halfbit.Training;

namespace Halfbit.Cli;

/// <summary>halfbit train: a model from nothing.</summary>
internal static class TrainCommand
{
    private const double DefaultRate = 1e-3;

    public static Command Create()
    {
        var config = new Option<string>("--config") { Description = "config.json of the model, in Hugging Face layout", HelpName = "FILE", Required = true };
        var output = new Option<string>("-o", "--out") { Description = "Folder to write; complete or absent, a partial job lives in OUT.partial", HelpName = "OUT", Required = true };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "Folder with the tokenizer (default: that of the config)", HelpName = "DIR" };
        var training = new TrainingArguments(DefaultRate);
        Option<int?> threads = SharedOptions.Threads();
        var resume = new Option<bool>("--resume") { Description = "Go on with a partial job from its last saved state" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace OUT, or start a partial job again" };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("train", SharedOptions.WithExample(
            "Trains a model from random values; writes a checkpoint in single precision, metrics.jsonl and loss.svg",
            "halfbit train --config samples/llama-13m/config.json -o out --data train.txt --steps 1000 --weight-decay 0.1"))
        {
            config, output, tokenizer,
        };
        training.AddTo(command);
        foreach (Option option in (Option[])[threads, resume, overwrite, json]) command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            var options = new ScratchOptions
            {
                ConfigFile = parsed.GetValue(config)!,
                TokenizerFolder = parsed.GetValue(tokenizer),
                OutputFolder = parsed.GetValue(output)!,
                Training = training.Options(parsed),
                Resume = parsed.GetValue(resume),
                Overwrite = parsed.GetValue(overwrite),
            };
            TrainingArguments.Check(options.Training.Validate);
            TrainingReport report = TrainingArguments.Run(options.OutputFolder, show => ScratchJob.Run(options, show, cancellation));
            if (parsed.GetValue(json)) JsonOutput.Write(TrainingArguments.ToJson(options.OutputFolder, report));
            else TrainingArguments.Print(options.OutputFolder, "trained", options.Training, report);
            return Failure.None;
        })));
        return command;
    }
}
