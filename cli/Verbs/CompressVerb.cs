using System.CommandLine;
using System.Globalization;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae compress</c>: images to a file of coded latents.</summary>
internal static class CompressVerb
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A run with --rounded, or the folder of its encoder.onnx and density.onnx." };
        var imageArguments = new ImageArguments("all");
        var output = new Option<string>("--out") { Description = "The file.", Required = true };
        var batch = VerbOptions.Count("--batch", 64, 1, "Images per run of the encoder.", VerbOptions.LargestWidth);
        var threads = VerbOptions.Threads();
        var command = new Command("compress", "Stores images as arithmetic-coded latents. Example: onnxvae compress runs/coder --data photos --out photos.latents")
        {
            folder, output, batch, threads,
        };
        imageArguments.AddTo(command);
        command.SetCancellableAction((result, cancellation) =>
        {
            string directory = ModelPath.Folder(result.GetValue(folder)!), file = result.GetValue(output)!;
            using var encoder = VaeEncoder.Load(Path.Combine(directory, "encoder.onnx"), new VaeOptions(Threads: result.GetValue(threads)));
            var codec = LatentCodec.Load(ModelData.RequireDensity(directory));
            var images = imageArguments.Open(result, encoder.Metadata);
            ProgressDisplay.Run("Compressing", report => AtomicFile.Write(file, stream =>
                codec.Write(stream, images.Count, Codes(encoder, images, result.GetValue(batch), report, cancellation))));
            long bytes = new FileInfo(file).Length;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Compressed {images.Count} images: {file}, {bytes} bytes, {8.0 * bytes / images.Count:0.0} bits per image, {8.0 * bytes / images.Count / images.ImageSize:0.0000} per value"));
        });
        return command;
    }

    private static IEnumerable<float[]> Codes(VaeEncoder encoder, ImageSource images, int batch, ProgressDisplay.Report report, CancellationToken cancellation)
    {
        for (long first = 0; first < images.Count; first += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)Math.Min(batch, images.Count - first);
            float[] codes = new float[count * encoder.Metadata.LatentSize], logVar = new float[codes.Length];
            encoder.Encode(ReconstructionGrid.ReadImages(images, first, count), codes, logVar);
            yield return codes;
            report(first + count, images.Count);
        }
    }
}
