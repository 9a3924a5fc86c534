using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae generate</c>: images from draws of the prior.</summary>
internal static class GenerateVerb
{
    private const int GridColumns = 8;
    private const int LargestGrid = 64;

    public static Command Create()
    {
        var decoderArgument = new Argument<string>("DECODER") { Description = "A run, the folder of its exported files, or a decoder.onnx." };
        var count = VerbOptions.AtLeast(1, new Option<long>("--count") { Description = "How many images.", DefaultValueFactory = _ => 64 });
        var seed = VerbOptions.Seed();
        var job = new ImageJob(writesImages: true);
        var grid = VerbOptions.Grid($"Also draw the first {LargestGrid} of this shard into one picture.");
        var prior = new Option<string>("--prior")
        {
            Description = "Where latents are drawn from: the model's own prior, a mixture that 'fit' made of the training images' latents, or N(0, I).",
            DefaultValueFactory = _ => PriorFile.OfModel,
        };
        var label = new Option<string?>("--class") { Description = "The class of images, by name, for models with a prior of codes." };
        var temperature = VerbOptions.Positive(new Option<double>("--temperature")
        {
            Description = "What the logits of codes are divided by; below 1, likely codes become more likely.",
            DefaultValueFactory = _ => 1,
        });
        var topP = VerbOptions.Positive(new Option<double>("--top-p")
        {
            Description = "Draw only from the likeliest codes that together have this probability.",
            DefaultValueFactory = _ => 1,
        });
        var classifierFile = new Option<string?>("--classifier")
        {
            Description = "An .onnx that scores images by class, in the order of the prior's classes: of --candidates images, the one it finds likeliest to be of --class is kept.",
        };
        var candidates = VerbOptions.Count("--candidates", 4, 1, "Images of which one is kept, with --classifier.", 4096);
        VerbOptions.Among([PriorFile.OfModel, PriorFile.Mixture, PriorFile.StandardNormal], prior);
        var command = new Command(
            "generate", "Generates images; image k depends on the seed and on k alone. A job that was stopped continues when it is started again. Example: onnxvae generate runs/digits --count 1000 --out images --grid grid.png")
        {
            decoderArgument, count, seed, grid, prior, label, temperature, topP, classifierFile, candidates,
        };
        job.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            string file = ModelPath.FileIn(result.GetValue(decoderArgument)!, "decoder.onnx"), priorName = result.GetValue(prior)!;
            ulong chosen = result.GetValue(seed);
            var (paths, options) = (job.Paths(result), job.Options(result));
            if (result.GetValue(classifierFile) is not null && result.GetValue(label) is null)
            {
                throw new UsageException("--classifier needs --class: what is kept is what looks like an image of that class.");
            }

            if (result.GetValue(classifierFile) is null && result.GetResult(candidates) is { Implicit: false })
            {
                throw new UsageException("--candidates needs --classifier: it chooses among them.");
            }

            using var decoder = VaeDecoder.Load(file, options);
            var images = job.Images(result, decoder.Metadata, result.GetValue(count));
            var sampling = new CodeSampling(result.GetValue(label), result.GetValue(temperature), result.GetValue(topP));
            bool isAsked = sampling != new CodeSampling();
            var drawn = PriorFile.Open(priorName, file, decoder, isAsked ? sampling : null, options);
            using var selection = result.GetValue(classifierFile) is { } judge
                ? Selection.Open(judge, result.GetValue(candidates), (TrainedCodePrior)drawn, decoder, sampling.Class!, images.Range, options)
                : null;
            var chosenFrom = selection?.Prior ?? drawn;
            var asked = job.Describe(result, "generate", [("decoder", file), .. PriorFile.Find(priorName, file, decoder.Metadata).Select((learned, i) => (i == 0 ? "prior" : $"prior{i + 1}", learned))]);
            (asked["seed"], asked["count"], asked["drawnFrom"]) = (chosen, result.GetValue(count), priorName);
            if (isAsked)
            {
                (asked["class"], asked["temperature"], asked["topP"]) = (sampling.Class, sampling.Temperature, sampling.TopP);
            }

            if (selection is not null)
            {
                (asked["classifier"], asked["candidates"]) = (JobRecord.Fingerprint(selection.File), selection.Candidates);
            }

            using var claim = JobRecord.Claim(paths, asked);
            using var output = ImageOutput.Open(paths, images);
            long made = await ImageJob.RunAsync(
                "Generating", output.Missing, range => decoder.GenerateAsync(range, chosen, output.Prepare, chosenFrom, cancellation), output.Finish, cancellation);
            string? choice = made > 0 ? selection?.Report() : null;
            if (result.GetValue(grid) is { } picture && images.Range.Count > 0)
            {
                float[] first = decoder.Generate((int)Math.Min(LargestGrid, images.Range.Count), chosen, images.Range.First, chosenFrom);
                ImageGrid.Save(picture, first, images.Channels, images.Height, images.Width, GridColumns);
            }

            ImageJob.Report("Generated", made, paths);
            if (choice is not null)
            {
                Console.WriteLine(choice);
            }

            return 0;
        });
        return command;
    }
}
