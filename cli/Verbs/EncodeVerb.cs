using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae encode</c>: latents of images.</summary>
internal static class EncodeVerb
{
    public static Command Create()
    {
        var encoderArgument = new Argument<string>("ENCODER") { Description = "A run, the folder of its exported files, or an encoder.onnx." };
        var imageArguments = new ImageArguments("all");
        var job = new ImageJob(writesImages: false);
        var values = new Option<string>("--values")
        {
            Description = $"{LatentOutput.MeanAndLogVar} [N, 2, L], {LatentOutput.Mean} [N, L], or a {LatentOutput.Sample} [N, L] of each image's posterior.",
            DefaultValueFactory = _ => LatentOutput.MeanAndLogVar,
        };
        VerbOptions.Among(LatentOutput.Values, values);
        var seed = VerbOptions.Seed();
        var command = new Command(
            "encode", "Encodes images. A job that was stopped continues when it is started again. Example: onnxvae encode runs/digits --data photos --out latents.npy")
        {
            encoderArgument, values, seed,
        };
        imageArguments.AddTo(command);
        job.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            string file = ModelPath.FileIn(result.GetValue(encoderArgument)!, "encoder.onnx");
            var paths = job.Paths(result);
            using var encoder = VaeEncoder.Load(file, job.Options(result));
            var source = imageArguments.Open(result, encoder.Metadata, isLazy: true);
            var asked = job.Describe(result, "encode", [("encoder", file)]);
            imageArguments.Describe(result, source, asked);
            asked["values"] = result.GetValue(values);
            if (result.GetValue(values) == LatentOutput.Sample)
            {
                asked["seed"] = result.GetValue(seed);
            }

            using var claim = JobRecord.Claim(paths, asked);
            var corrupt = new CorruptImages(paths.Corrupt, imageArguments.SkipCorrupt(result));
            using var output = new LatentOutput(
                paths, encoder, source, paths.Shard.RangeOf(source.Count), result.GetValue(values)!, result.GetValue(seed), corrupt);
            long made = await ImageJob.RunAsync(
                "Encoding", output.Missing,
                range => encoder.EncodeAsync(range, (first, images) => corrupt.Read(source, first, images), output.Prepare, cancellation), output.Finish, cancellation);
            ImageJob.Report("Encoded", made, paths, corrupt);
            return 0;
        });
        return command;
    }
}
