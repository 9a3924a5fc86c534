using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae reconstruct</c>: images through encoder and decoder.</summary>
internal static class ReconstructVerb
{
    private const int GridColumns = 8;
    private const int LargestGrid = 64;

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A run, or the folder of its encoder.onnx and decoder.onnx." };
        var imageArguments = new ImageArguments("test");
        var count = VerbOptions.AtLeast(1, new Option<int?>("--count") { Description = "How many, from the first; all, if left out." });
        var job = new ImageJob(writesImages: true);
        var grid = VerbOptions.Grid($"Also draw the first {LargestGrid / 2} with their reconstructions below into one picture.");
        var command = new Command(
            "reconstruct", "Encodes and decodes images; each has the name of its source. A job that was stopped continues when it is started again. Example: onnxvae reconstruct runs/sprites --data sprites --count 32 --out images --grid grid.png")
        {
            folder, count, grid,
        };
        imageArguments.AddTo(command);
        job.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            string directory = ModelPath.Folder(result.GetValue(folder)!);
            var paths = job.Paths(result);
            using var vae = TrainedVae.Load(directory, job.Options(result));
            var source = imageArguments.Open(result, vae.Encoder.Metadata, isLazy: true);
            var images = job.Images(result, vae.Decoder.Metadata, Math.Min(result.GetValue(count) ?? source.Count, source.Count), source);
            var asked = job.Describe(
                result, "reconstruct", [("encoder", Path.Combine(directory, "encoder.onnx")), ("decoder", Path.Combine(directory, "decoder.onnx"))]);
            imageArguments.Describe(result, source, asked);
            asked["count"] = images.Total;

            using var claim = JobRecord.Claim(paths, asked);
            var corrupt = new CorruptImages(paths.Corrupt, imageArguments.SkipCorrupt(result));
            using var output = ImageOutput.Open(paths, images, corrupt);
            long made = await ImageJob.RunAsync(
                "Reconstructing", output.Missing,
                range => vae.ReconstructAsync(range, (first, block) => corrupt.Read(source, first, block), output.Prepare, cancellation), output.Finish, cancellation);
            if (result.GetValue(grid) is { } picture)
            {
                float[] pairs = ReconstructionGrid.Build(vae.Encoder, vae.Decoder, source, (int)Math.Min(images.Total, LargestGrid / 2), GridColumns);
                ImageGrid.Save(picture, pairs, images.Channels, images.Height, images.Width, GridColumns);
            }

            ImageJob.Report("Reconstructed", made, paths, corrupt);
            return 0;
        });
        return command;
    }
}
