using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae interpolate</c>: images between two images.</summary>
internal static class InterpolateVerb
{
    private const string Spherical = "spherical";
    private const string Linear = "linear";

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of encoder.onnx and decoder.onnx." };
        var imageArguments = new ImageArguments("test");
        var from = VerbOptions.AtLeast(0, new Option<long>("--from") { Description = "The number of the first image.", DefaultValueFactory = _ => 0 });
        var to = VerbOptions.AtLeast(0, new Option<long>("--to") { Description = "The number of the last one.", DefaultValueFactory = _ => 1 });
        var steps = VerbOptions.AtLeast(2, new Option<int>("--steps") { Description = "Images, both ends among them.", DefaultValueFactory = _ => 9 });
        var path = new Option<string>("--path") { Description = "spherical, around the origin, or linear.", DefaultValueFactory = _ => Spherical };
        path.AcceptOnlyFromAmong(Spherical, Linear);
        var output = new Option<string>("--out") { Description = "A .png with all of them in a line, a .npy, or a folder for PNG files.", Required = true };
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command(
            "interpolate", "Decodes the way from one image's latents to another's. Example: onnxvae interpolate runs/sprites/export --data sprites --from 3 --to 8 --out between.png")
        {
            folder, from, to, steps, path, output, device, threads,
        };
        imageArguments.AddTo(command);
        command.SetAction(result =>
        {
            var chosen = OnnxDevice.Parse(result.GetValue(device)!);
            using var encoder = VaeEncoder.Load(Path.Combine(result.GetValue(folder)!, "encoder.onnx"), chosen, result.GetValue(threads));
            using var decoder = VaeDecoder.Load(Path.Combine(result.GetValue(folder)!, "decoder.onnx"), chosen, result.GetValue(threads));
            var images = imageArguments.Open(result, encoder.Metadata);
            float[] first = Encode(result.GetValue(from), "--from"), last = Encode(result.GetValue(to), "--to");
            int count = result.GetValue(steps);
            LatentGrid.Save(
                decoder, result.GetValue(path) == Spherical ? LatentPath.Spherical(first, last, count) : LatentPath.Linear(first, last, count), count, result.GetValue(output)!);
            Console.WriteLine($"Interpolated from {images.NameOf(result.GetValue(from))} to {images.NameOf(result.GetValue(to))}: {result.GetValue(output)}");

            float[] Encode(long number, string option)
            {
                ModelData.RequireImage(images, number, option);
                float[] mean = new float[encoder.Metadata.LatentSize], logVar = new float[mean.Length];
                encoder.Encode(ReconstructionGrid.ReadImages(images, number, 1), mean, logVar);
                return mean;
            }
        });
        return command;
    }
}
