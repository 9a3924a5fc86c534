using System.CommandLine;
using System.Runtime.CompilerServices;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae decompress</c>: a file of coded latents back to images.</summary>
internal static class DecompressVerb
{
    private const int ImagesAtATime = 64;

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of decoder.onnx and density.onnx." };
        var input = new Argument<string>("FILE") { Description = "What 'compress' wrote." };
        var job = new ImageJob(ImageJob.ImageOutputs);
        var command = new Command("decompress", "Decodes images from coded latents. Example: onnxvae decompress runs/coder/export photos.latents --out photos")
        {
            folder, input,
        };
        job.AddTo(command, writesImages: true);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            string directory = result.GetValue(folder)!, file = result.GetValue(input)!, decoderFile = Path.Combine(directory, "decoder.onnx");
            var paths = job.Paths(result);
            using var decoder = VaeDecoder.Load(decoderFile, job.Options(result));
            var codec = LatentCodec.Load(ModelData.RequireDensity(directory));
            var asked = job.Describe(result, "decompress", [("decoder", decoderFile), ("latents", file)], writesImages: true);
            long count = Verify(codec, file);
            var images = job.Images(result, decoder.Metadata, count);

            using var claim = JobRecord.Claim(paths, asked);
            using var output = ImageOutput.Open(paths, images);
            ImageRange[] missing = output.Missing is [var first, ..] ? [images.Range with { First = first.First }] : [];
            long made = await ImageJob.RunAsync("Decompressing", missing, range => Decode(decoder, codec, file, range, output, cancellation), output.Finish, cancellation);
            ImageJob.Report("Decompressed", made, paths);
            return 0;
        });
        return command;
    }

    // The checksum comes last: everything is read once before an image is written.
    private static long Verify(LatentCodec codec, string file)
    {
        using var stream = new BufferedStream(File.OpenRead(file));
        var (count, rows) = codec.Read(stream);
        long read = rows.LongCount();
        return read == count ? count : throw new InvalidDataException($"'{file}' is damaged: it should hold {count} images, but {read} were read.");
    }

    // Codes come one after the other, from the beginning.
    private static async IAsyncEnumerable<JobStep> Decode(
        VaeDecoder decoder, LatentCodec codec, string file, ImageRange range, ImageOutput output, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stream = new BufferedStream(File.OpenRead(file));
        long first = range.First;
        var wanted = codec.Read(stream).Rows.Index().Where(row => row.Index >= range.First).Select(row => row.Item).Take(checked((int)range.Count));
        foreach (float[][] chunk in wanted.Chunk(ImagesAtATime))
        {
            cancellation.ThrowIfCancellationRequested();
            float[] latents = [.. chunk.SelectMany(row => row)];
            yield return await Task.Run(() => output.Prepare(first, decoder.Decode(latents)));
            first += chunk.Length;
        }
    }
}
