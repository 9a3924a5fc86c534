using System.Globalization;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Exact;
using OnnxVae.Models.Objectives;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Fit;

/// <summary>A mixture of Gaussians for the latents of a run's training images.</summary>
[Verb("fit", VerbTopic.Train, "Fits a mixture of Gaussians to the latents of the training images.",
    Details = "That is where they are, E_y Q(z|y); for 'generate --prior mixture'. Writes mixture.onnx beside the run's decoder.onnx.", Example = "fit runs/sprites")]
internal sealed class FitVerb : LongVerb<FitOptions>
{
    private const int Batch = 256;
    private const uint SampleStream = 0x6D78;

    protected override Task<int> RunAsync(FitOptions options, CancellationToken cancellation)
    {
        var run = ModelPath.Run(options.Run);
        var package = TrainingPackage.Open(run.Package);
        var states = Checkpoints.LoadNewest(run, package).States;
        var stored = run.ReadOptions<RunOptions>();
        if (package.Manifest.Deployables.ContainsKey(ExportedKinds.Density))
        {
            throw new InvalidDataException($"'{run.Path}' has rounded latents, which have a density of their own: 'generate' draws from it.");
        }

        var train = DataOpening.Open(stored.Data.Data, stored.ImageOptions).Train;
        using var encoder = VaeEncoder.Load(RunExport.Bake(package, ExportedKinds.Encoder, states).ToBytes());
        ExportedModel.RequireNumbers(encoder.Metadata);
        long count = Math.Min(train.Count, options.Images);
        if (count < options.Components)
        {
            throw new UsageException($"--components is {options.Components}, but there are {count} images to fit them to: give fewer components.");
        }

        double[][] latents = Encode(encoder, train, count, options.Seed, cancellation);
        var (mixture, logLikelihood) = Fit(latents, options, cancellation);
        string file = Path.Combine(run.Export, ExportedFiles.Mixture);
        var sampler = PriorSampler.OfMixture(mixture);
        GraphCompiler.Build(ExportedKinds.Prior, sampler.Inputs, [("z", sampler.Z)])
            .WithMetadata(RunExport.Bake(package, ExportedKinds.Decoder, states).Metadata.SetItem(MetadataKeys.Kind, ExportedKinds.Prior))
            .Save(file);
        double standardNormal = latents.Average(z => z.Sum(x => -0.5 * ((x * x) + Math.Log(2 * Math.PI))));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"Fitted    {file}: {options.Components} components, mean ln P(z) {logLikelihood:0.000} (N(0, I): {standardNormal:0.000}), {latents.Length} images"));
        Console.WriteLine($"Next      {NextCommand.AfterMixture(run)}");
        return Task.FromResult(ExitCode.Done);
    }

    private static (GaussianMixture Mixture, double LogLikelihood) Fit(double[][] latents, FitOptions options, CancellationToken cancellation)
    {
        double logLikelihood = 0;
        var fitting = new MixtureOptions { Seed = options.Seed };
        var mixture = ProgressDisplay.Run("Fitting", report =>
        {
            long step = 0;
            return GaussianMixture.Fit(latents, options.Components, fitting, value =>
            {
                cancellation.ThrowIfCancellationRequested();
                logLikelihood = value;
                report(++step, fitting.MostSteps, string.Create(CultureInfo.InvariantCulture, $"log-likelihood {value:0.000}"));
            });
        });
        return (mixture, logLikelihood);
    }

    // One sample of each image's posterior: together they are draws of E_y Q(z|y).
    private static double[][] Encode(VaeEncoder encoder, ImageSource source, long count, ulong seed, CancellationToken cancellation) => ProgressDisplay.Run("Encoding", report =>
    {
        int size = encoder.Metadata.LatentSize;
        var latents = new double[count][];
        var eps = new float[size];
        for (long first = 0; first < count; first += Batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int rows = (int)Math.Min(Batch, count - first);
            float[] mean = new float[rows * size], logVar = new float[rows * size];
            encoder.Encode(ReconstructionGrid.ReadImages(source, first, rows), mean, logVar);
            for (int row = 0; row < rows; row++)
            {
                Philox.FillStandardNormal(eps, seed, SampleStream, (ulong)(first + row));
                latents[first + row] = [.. Enumerable.Range(0, size).Select(l => mean[(row * size) + l] + (Math.Exp(0.5 * logVar[(row * size) + l]) * eps[l]))];
            }

            report(first + rows, count);
        }

        return latents;
    });
}
