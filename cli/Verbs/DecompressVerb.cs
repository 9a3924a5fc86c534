using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae decompress</c>: a file of coded latents back to images.</summary>
internal static class DecompressVerb
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A run with --rounded, or the folder of its decoder.onnx and density.onnx." };
        var input = new Argument<string>("FILE") { Description = "What 'compress' wrote." };
        var job = new ImageJob(writesImages: true);
        var command = new Command("decompress", "Decodes images from coded latents. Example: onnxvae decompress runs/coder photos.latents --out photos")
        {
            folder, input,
        };
        job.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            string directory = ModelPath.Folder(result.GetValue(folder)!), file = result.GetValue(input)!, decoderFile = Path.Combine(directory, "decoder.onnx");
            var paths = job.Paths(result);
            using var decoder = VaeDecoder.Load(decoderFile, job.Options(result));
            var codec = LatentCodec.Load(ModelData.RequireDensity(directory));
            var asked = job.Describe(result, "decompress", [("decoder", decoderFile), ("latents", file)]);
            long count = Verify(codec, file);
            var images = job.Images(result, decoder.Metadata, count);

            using var claim = JobRecord.Claim(paths, asked);
            using var output = ImageOutput.Open(paths, images);
            ImageRange[] missing = output.Missing is [var first, ..] ? [images.Range with { First = first.First }] : [];
            long made = await ImageJob.RunAsync(
                "Decompressing", missing, range => decoder.DecodeAsync(range.First, Rows(codec, file, range), output.Prepare, cancellation), output.Finish, cancellation);
            ImageJob.Report("Decompressed", made, paths);
            return 0;
        });
        return command;
    }

    // The checksum comes last: everything is read once before an image is written.
    private static long Verify(LatentCodec codec, string file)
    {
        using var stream = new BufferedStream(RegularFile.Open(file));
        long count, read;
        try
        {
            (count, var rows) = codec.Read(stream);
            read = rows.LongCount();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{file}' cannot be decompressed: {e.Message}", e);
        }

        return read == count ? count : throw new InvalidDataException($"'{file}' is damaged: it should hold {count} images, but {read} were read.");
    }

    // Codes come one after the other, from the beginning.
    private static IEnumerable<float[]> Rows(LatentCodec codec, string file, ImageRange range)
    {
        using var stream = new BufferedStream(RegularFile.Open(file));
        long number = 0;
        foreach (float[] row in codec.Read(stream).Rows.TakeWhile(_ => number < range.End))
        {
            if (number++ >= range.First)
            {
                yield return row;
            }
        }
    }
}
