using System.Globalization;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs.Compress;

/// <summary>Compresses images to a file of entropy-coded latents.</summary>
[Verb("compress", VerbTopic.Latents, "Stores images as arithmetic-coded latents.", Example = "compress runs/coder --data photos --out photos.latents")]
internal sealed class CompressVerb : LongVerb<CompressOptions>
{
    protected override Task<int> RunAsync(CompressOptions options, CancellationToken cancellation)
    {
        string directory = ModelPath.VaeFolder(options.Model), file = options.Out;
        OutputFolder.RequireFileName(file);
        using var encoder = VaeEncoder.Load(Path.Combine(directory, ExportedFiles.Encoder), new VaeOptions { Threads = options.Execution.Threads });
        var codec = LatentCodec.Load(ExportedModel.RequireDensity(directory));
        var images = options.Images.Open(encoder.Metadata);
        ProgressDisplay.Run("Compressing", report => AtomicFile.Write(file, stream =>
            codec.Write(stream, images.Count, Codes(encoder, images, options.Batch, report, cancellation))));
        long bytes = new FileInfo(file).Length;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Compressed {images.Count} images: {file}, {bytes} bytes, {8.0 * bytes / images.Count:0.0} bits per image, {8.0 * bytes / images.Count / images.ImageSize:0.0000} per value"));
        return Task.FromResult(ExitCode.Done);
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
