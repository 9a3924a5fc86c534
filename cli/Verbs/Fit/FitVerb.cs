using System.Globalization;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;

namespace OnnxVae.Cli.Verbs.Fit;

/// <summary>Fits a mixture of Gaussians to the latents of a run's training images.</summary>
[Verb("fit", VerbTopic.Train, "Fits a mixture of Gaussians to the latents of the training images.",
    Details = "The mixture estimates the aggregated posterior E_y Q(z|y), for 'generate --prior mixture'. Writes mixture.onnx next to the run's decoder.onnx.", Example = "fit runs/sprites")]
internal sealed class FitVerb : LongVerb<FitOptions>
{
    protected override Task<int> RunAsync(FitOptions options, CancellationToken cancellation)
    {
        var run = ModelPath.Run(options.Run);
        var package = TrainingPackage.Open(run.Package);
        var states = Checkpoints.LoadKept(run, package).States;
        var stored = run.ReadOptions<RunOptions>();
        LatentMixture.RequireFit(package);
        var train = stored.OpenImages().Train;
        if (Math.Min(train.Count, options.Images) is var count && count < options.Components)
        {
            throw new UsageException($"--components is {options.Components}, but there are {count} images to fit them to: give fewer components.");
        }

        var mixture = LatentMixture.Fit(package, states, train, options.Components, options.Images, options.Seed, cancellation);
        string file = Path.Combine(run.Export, ExportedFiles.Mixture);
        mixture.ToModel(package, states).Save(file);
        mixture.Save(run.Mixture, states);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"Fitted    {file}: {options.Components} components, mean ln P(z) {mixture.LogLikelihood:0.000} (N(0, I): {mixture.StandardNormal:0.000}), {mixture.Images} images"));
        NextCommand.Print(NextCommand.AfterMixture(run));
        return Task.FromResult(ExitCode.Done);
    }
}
