using System.CommandLine;
using OnnxVae.Exporters;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae encode</c>: latents of images.</summary>
internal static class EncodeVerb
{
    public static Command Create()
    {
        var encoderArgument = new Argument<string>("ENCODER") { Description = "An encoder.onnx." };
        var imageArguments = new ImageArguments("all");
        var output = new Option<string>("--out") { Description = "A .npy file: Float32 [N, 2, L], means and log-variances; names go to FILE.names.txt.", Required = true };
        var batch = VerbOptions.AtLeast(1, new Option<int>("--batch") { Description = "Images per run of the encoder.", DefaultValueFactory = _ => 64 });
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command("encode", "Encodes images. Example: onnxvae encode encoder.onnx --data photos --out latents.npy")
        {
            encoderArgument, output, batch, device, threads,
        };
        imageArguments.AddTo(command);
        command.SetCancellableAction((result, cancellation) =>
        {
            using var encoder = VaeEncoder.Load(
                result.GetValue(encoderArgument)!, OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads));
            var shape = encoder.Metadata;
            var source = imageArguments.Open(result, shape);
            string file = result.GetValue(output)!;
            ProgressDisplay.Run("Encoding", report =>
            {
                AtomicFile.Write(file, stream =>
                {
                    Npy.WriteHeader(stream, "<f4", source.Count, 2, shape.LatentSize);
                    for (long first = 0; first < source.Count; first += result.GetValue(batch))
                    {
                        cancellation.ThrowIfCancellationRequested();
                        int count = (int)Math.Min(result.GetValue(batch), source.Count - first);
                        WriteLatents(stream, encoder, ReconstructionGrid.ReadImages(source, first, count), count);
                        report(first + count, source.Count);
                    }
                });
            });
            AtomicFile.Write($"{file}.names.txt", stream =>
            {
                using var names = new StreamWriter(stream, leaveOpen: true);
                for (long i = 0; i < source.Count; i++)
                {
                    names.WriteLine(source.NameOf(i));
                }
            });
            Console.WriteLine($"Encoded {source.Count} images: {file}");
        });
        return command;
    }

    private static void WriteLatents(Stream stream, VaeEncoder encoder, float[] images, int count)
    {
        int latents = encoder.Metadata.LatentSize;
        float[] mean = new float[count * latents], logVar = new float[count * latents];
        encoder.Encode(images, mean, logVar);
        for (int i = 0; i < count; i++)
        {
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(mean.AsSpan(i * latents, latents)));
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(logVar.AsSpan(i * latents, latents)));
        }
    }
}
