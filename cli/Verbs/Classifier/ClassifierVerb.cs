using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Classifier;

/// <summary>Trains a classifier of a run's images, to score generated ones.</summary>
[Verb("classifier", VerbTopic.Train, "Trains a classifier on a run's images and their classes.",
    Details = "It is trained in RUN/classifier, and exported with the decoder, for 'generate --classifier' with runs whose latents are codes. Training that was stopped continues when the same command is given again.",
    Example = "classifier runs/digits")]
internal sealed class ClassifierVerb : TrainingVerb<ClassifierOptions>
{
    protected override async Task<int> RunAsync(ClassifierOptions options, Ranks ranks, CancellationToken cancellation)
    {
        var run = ModelPath.Run(options.Run);
        options = options with { Training = options.Training.Resolve(run) };
        string? scale = run.ReadOptions<RunOptions>().Data.Scale;
        using var training = AuxiliaryRun.Open(
            run, ClassifierOptions.Folder, options, ranks, needsClasses: true, (folder, images) => options.Compile(folder, images, scale, ranks.Count));
        return await training.ReportAsync("Classifier on the test split", options.Json, classes => NextCommand.AfterClassifier(run, classes), [], cancellation);
    }
}
