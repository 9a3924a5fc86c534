using System.CommandLine;
using OnnxVae.Cli.Jobs;
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
        var folder = new Argument<string>("DIR") { Description = "The folder of encoder.onnx and decoder.onnx." };
        var imageArguments = new ImageArguments("test");
        var count = VerbOptions.AtLeast(1, new Option<int?>("--count") { Description = "How many, from the first; all, if left out." });
        var output = new Option<string>("--out") { Description = "A folder for PNG files, or a .npy file.", Required = true };
        var grid = new Option<string?>("--grid") { Description = $"Also draw the first {LargestGrid / 2} with their reconstructions below into one PNG." };
        var batch = VerbOptions.AtLeast(1, new Option<int>("--batch") { Description = "Images per run.", DefaultValueFactory = _ => 64 });
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command(
            "reconstruct", "Encodes and decodes images. Example: onnxvae reconstruct runs/sprites/export --data sprites --count 32 --out images --grid grid.png")
        {
            folder, count, output, grid, batch, device, threads,
        };
        imageArguments.AddTo(command);
        command.SetCancellableAction((result, cancellation) =>
        {
            var chosen = OnnxDevice.Parse(result.GetValue(device)!);
            using var encoder = VaeEncoder.Load(Path.Combine(result.GetValue(folder)!, "encoder.onnx"), chosen, result.GetValue(threads));
            using var decoder = VaeDecoder.Load(Path.Combine(result.GetValue(folder)!, "decoder.onnx"), chosen, result.GetValue(threads));
            var shape = encoder.Metadata;
            var source = imageArguments.Open(result, shape);
            long total = Math.Min(result.GetValue(count) ?? source.Count, source.Count);
            using var writer = ImageWriter.Create(result.GetValue(output)!, 0, total, shape.Channels, shape.Height, shape.Width);
            ProgressDisplay.Run("Reconstructing", report =>
            {
                for (long first = 0; first < total; first += result.GetValue(batch))
                {
                    cancellation.ThrowIfCancellationRequested();
                    int size = (int)Math.Min(result.GetValue(batch), total - first);
                    writer.Write(ReconstructionGrid.Reconstruct(encoder, decoder, source, first, size).Reconstructions);
                    report(first + size, total);
                }

                writer.Finish();
            });
            if (result.GetValue(grid) is { } file)
            {
                float[] pairs = ReconstructionGrid.Build(encoder, decoder, source, (int)Math.Min(total, LargestGrid / 2), GridColumns);
                ImageGrid.Save(file, pairs, shape.Channels, shape.Height, shape.Width, GridColumns);
            }

            Console.WriteLine($"Reconstructed {total} images: {result.GetValue(output)}");
        });
        return command;
    }
}
