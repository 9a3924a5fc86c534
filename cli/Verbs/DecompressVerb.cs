using System.CommandLine;
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
            using var stream = new BufferedStream(File.OpenRead(file));
            var (count, rows) = codec.Read(stream);
            var images = job.Images(result, decoder.Metadata, count);

            using var claim = JobRecord.Claim(paths, asked);
            using var output = ImageOutput.Open(paths, images);
            ImageRange[] missing = output.Missing is [var first, ..] ? [images.Range with { First = first.First }] : [];
            long made = await ImageJob.RunAsync("Decompressing", missing, range => Decode(decoder, rows, range, output), output.Finish, cancellation);
            ImageJob.Report("Decompressed", made, paths);
            return 0;
        });
        return command;
    }

    // Codes come one after the other, from the beginning.
    private static async IAsyncEnumerable<JobStep> Decode(VaeDecoder decoder, IEnumerable<float[]> rows, ImageRange range, ImageOutput output)
    {
        long first = range.First;
        foreach (float[][] chunk in rows.Take((int)range.End).Skip((int)range.First).Chunk(ImagesAtATime))
        {
            float[] latents = [.. chunk.SelectMany(row => row)];
            yield return await Task.Run(() => output.Prepare(first, decoder.Decode(latents)));
            first += chunk.Length;
        }
    }
}
