using System.CommandLine;
using System.Globalization;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Models.Exact;
using OnnxVae.Models.Objectives;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae fit</c>: a mixture of Gaussians for the latents of a run's training images.</summary>
internal static class FitVerb
{
    private const int Batch = 256;
    private const uint SampleStream = 0x6D78;

    public static Command Create()
    {
        var runArgument = new Argument<string>("RUN") { Description = "The run's folder." };
        var components = VerbOptions.Count("--components", 50, 1, "Gaussians in the mixture.", 10_000);
        var images = VerbOptions.AtLeast(1, new Option<long>("--images") { Description = "Training images to encode at most.", DefaultValueFactory = _ => 20_000 });
        var seed = VerbOptions.Seed();
        var command = new Command(
            "fit", "Fits a mixture of Gaussians to where the training images' latents are, E_y Q(z|y), for 'generate --prior mixture'; writes mixture.onnx beside the run's decoder.onnx. Example: onnxvae fit runs/sprites")
        {
            runArgument, components, images, seed,
        };
        command.SetCancellableAction((result, cancellation) =>
        {
            var run = ModelPath.Run(result.GetValue(runArgument)!);
            var package = TrainingPackage.Open(run.Package);
            var states = Checkpoints.LoadNewest(run, package).States;
            var options = run.ReadOptions<TrainOptions>();
            if (package.Manifest.Deployables.ContainsKey("density"))
            {
                throw new InvalidDataException($"'{run.Path}' has rounded latents, which have a density of their own: 'generate' draws from it.");
            }

            var train = DataOpening.Open(options.Data, options.ImageOptions).Train;
            using var encoder = VaeEncoder.Load(RunExport.Bake(package, "encoder", states).ToBytes());
            ModelData.RequireNumbers(encoder.Metadata);
            long count = Math.Min(train.Count, result.GetValue(images));
            if (count < result.GetValue(components))
            {
                throw new UsageException($"--components is {result.GetValue(components)}, but there are {count} images to fit them to: give fewer components.");
            }

            double[][] latents = Encode(encoder, train, count, result.GetValue(seed), cancellation);

            double logLikelihood = 0;
            var fitting = new MixtureOptions(Seed: result.GetValue(seed));
            var mixture = ProgressDisplay.Run("Fitting", report =>
            {
                long step = 0;
                return GaussianMixture.Fit(latents, result.GetValue(components), fitting, value =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    logLikelihood = value;
                    report(++step, fitting.MostSteps, string.Create(CultureInfo.InvariantCulture, $"log-likelihood {value:0.000}"));
                });
            });

            string file = Path.Combine(run.Export, RunExport.MixtureFile);
            var sampler = PriorSampler.OfMixture(mixture);
            GraphCompiler.Build("prior", sampler.Inputs, [("z", sampler.Z)])
                .WithMetadata(RunExport.Bake(package, "decoder", states).Metadata.SetItem("onnxvae.kind", "prior"))
                .Save(file);
            double standardNormal = latents.Average(z => z.Sum(x => -0.5 * ((x * x) + Math.Log(2 * Math.PI))));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"Fitted    {file}: {result.GetValue(components)} components, mean ln P(z) {logLikelihood:0.000} (N(0, I): {standardNormal:0.000}), {latents.Length} images"));
            Console.WriteLine($"Next      {NextCommand.AfterMixture(run)}");
        });
        return command;
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
