using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Encode;

/// <summary>Encodes images to latents.</summary>
[Verb("encode", VerbTopic.Latents, "Encodes images.", Details = "A job that was stopped continues when it is started again.",
    Example = "encode runs/digits --data photos --out latents.npy")]
internal sealed class EncodeVerb : LongVerb<EncodeOptions>
{
    protected override async Task<int> RunAsync(EncodeOptions options, CancellationToken cancellation)
    {
        string file = ModelPath.FileIn(options.Encoder, ExportedFiles.Encoder);
        var job = options.Job;
        using var original = VaeEncoder.Load(file, job.ToVaeOptions());
        var source = options.Images.Open(original.Metadata, isLazy: true, options.Given.VectorsFor(original.Metadata));
        var encoder = options.Given.ForImages(source, original.Metadata, options.Seed) is { } condition ? original.Given(condition) : original;
        var asked = job.Describe("encode", [("encoder", file)]);
        options.Images.Describe(source, asked);
        options.Given.Describe(asked);
        asked["values"] = options.Values;
        if (options.Values == LatentOutput.Sample)
        {
            asked["seed"] = options.Seed;
        }

        using var claim = JobRecord.Claim(job.Paths, asked);
        var corrupt = new CorruptImages(job.Paths.Corrupt, options.Images.SkipCorrupt);
        var range = job.Paths.Shard.RangeOf(source.Count);
        using var output = new LatentOutput(job.Paths, encoder, source, range, options.Values, options.Seed, corrupt);
        long made = await ImageJob.RunAsync(
            "Encoding", output.Missing,
            part => encoder.EncodeAsync(part, (first, images) => corrupt.Read(source, first, images), output.Prepare, cancellation), output.Finish, cancellation);
        ImageJob.Report("Encoded", made, range, job.Paths, encoder.Metadata, corrupt);
        return ExitCode.Done;
    }
}
