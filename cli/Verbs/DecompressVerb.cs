using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae decompress</c>: a file of coded latents back to images.</summary>
internal static class DecompressVerb
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of decoder.onnx and density.onnx." };
        var input = new Argument<string>("FILE") { Description = "What 'compress' wrote." };
        var output = new Option<string>("--out") { Description = "A folder for PNG files, or a .npy file.", Required = true };
        var batch = VerbOptions.AtLeast(1, new Option<int>("--batch") { Description = "Images per run of the decoder.", DefaultValueFactory = _ => 64 });
        var threads = VerbOptions.Threads();
        var command = new Command("decompress", "Decodes images from coded latents. Example: onnxvae decompress runs/coder/export photos.latents --out photos")
        {
            folder, input, output, batch, threads,
        };
        command.SetCancellableAction((result, cancellation) =>
        {
            string directory = result.GetValue(folder)!, file = result.GetValue(input)!;
            using var decoder = VaeDecoder.Load(Path.Combine(directory, "decoder.onnx"), threads: result.GetValue(threads));
            var codec = LatentCodec.Load(ModelData.RequireDensity(directory));
            using var stream = File.Exists(file) ? new BufferedStream(File.OpenRead(file)) : throw new FileNotFoundException($"There is no file '{file}'.");
            var (count, rows) = codec.Read(stream);
            var shape = decoder.Metadata;
            using var writer = ImageWriter.Create(result.GetValue(output)!, 0, count, shape.Channels, shape.Height, shape.Width);
            ProgressDisplay.Run("Decompressing", report =>
            {
                long done = 0;
                foreach (float[][] chunk in rows.Chunk(result.GetValue(batch)))
                {
                    cancellation.ThrowIfCancellationRequested();
                    var images = new float[chunk.Length * shape.ImageSize];
                    decoder.Decode([.. chunk.SelectMany(row => row)], images);
                    writer.Write(images);
                    report(done += chunk.Length, count);
                }

                writer.Finish();
            });
            Console.WriteLine($"Decompressed {count} images: {result.GetValue(output)}");
        });
        return command;
    }
}
