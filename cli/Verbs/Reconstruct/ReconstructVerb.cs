using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs.Reconstruct;

/// <summary>Encodes and decodes images.</summary>
[Verb("reconstruct", VerbTopic.Images, "Encodes and decodes images.", Details = "Each has the name of its source. A job that was stopped continues when it is started again.",
    Example = "reconstruct runs/sprites --data sprites --count 32 --out images --grid grid.png")]
internal sealed class ReconstructVerb : LongVerb<ReconstructOptions>
{
    private const int GridColumns = 8;
    private const int LargestGrid = 32;

    protected override async Task<int> RunAsync(ReconstructOptions options, CancellationToken cancellation)
    {
        string directory = ModelPath.VaeFolder(options.Model);
        var job = options.Job;
        using var original = TrainedVae.Load(directory, job.ToVaeOptions());
        var source = options.Images.Open(original.Encoder.Metadata, isLazy: true, options.Given.VectorsFor(original.Encoder.Metadata));
        var vae = options.Given.ForImages(source, original.Encoder.Metadata, options.Seed) is { } condition ? original.Given(condition) : original;
        var images = job.Images(vae.Decoder.Metadata, Math.Min(options.Count ?? source.Count, source.Count), source);
        var asked = job.Describe("reconstruct", [("encoder", Path.Combine(directory, ExportedFiles.Encoder)), ("decoder", Path.Combine(directory, ExportedFiles.Decoder))]);
        options.Images.Describe(source, asked);
        options.Given.Describe(asked);
        asked["count"] = images.Total;

        using var claim = JobRecord.Claim(job.Paths, asked);
        var corrupt = new CorruptImages(job.Paths.Corrupt, options.Images.SkipCorrupt);
        using var output = ImageOutput.Open(job.Paths, images, corrupt);
        long made = await ImageJob.RunAsync(
            "Reconstructing", output.Missing,
            range => vae.ReconstructAsync(range, (first, block) => corrupt.Read(source, first, block), output.Prepare, cancellation), output.Finish, cancellation);
        if (options.Grid is { } picture)
        {
            float[] pairs = ReconstructionGrid.Build(vae.Encoder, vae.Decoder, source, (int)Math.Min(images.Total, LargestGrid), GridColumns);
            ImageGrid.Save(picture, pairs, images.Model, GridColumns);
        }

        ImageJob.Report("Reconstructed", made, images.Range, job.Paths, vae.Decoder.Metadata, corrupt);
        return ExitCode.Done;
    }
}
