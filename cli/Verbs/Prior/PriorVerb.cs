using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Format;

namespace OnnxVae.Cli.Verbs.Prior;

/// <summary>Trains a class-conditional prior over the codes of a run.</summary>
[Verb("prior", VerbTopic.Train, "Trains a prior for the codes of a run.",
    Details = "It is conditional on the class where the images have classes. It is trained in RUN/prior-LEVEL, and exported with the decoder. Training that was stopped continues when the same command is given again.",
    Example = "prior runs/digits --level top")]
internal sealed class PriorVerb : TrainingVerb<PriorOptions>
{
    protected override async Task<int> RunAsync(PriorOptions options, Ranks ranks, CancellationToken cancellation)
    {
        var run = ModelPath.Run(options.Run);
        options = options with { Training = options.Training.Resolve(run) };
        string encoder = Path.Combine(run.Export, ExportedFiles.Encoder);
        var grids = PriorOptions.RequireCodes(encoder, options.Level);
        using var training = AuxiliaryRun.Open(
            run, CodeLevel.PriorFolder(options.Level), options, ranks, needsClasses: false, (folder, images) => options.Compile(folder, encoder, grids, images, ranks.Count));
        var levels = CodeLevel.All(grids.Count);
        return await training.ReportAsync(
            $"Prior of the {options.Level} level on the test split", options.Json, classes => NextCommand.AfterPrior(run, levels, classes), ["uniformNllPerCode"], cancellation);
    }
}
