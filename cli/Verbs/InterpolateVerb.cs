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
        VerbOptions.Among([Spherical, Linear], path);
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
            using var vae = TrainedVae.Load(result.GetValue(folder)!, new VaeOptions(OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads)));
            ModelData.RequireNumbers(vae.Decoder.Metadata);
            var images = imageArguments.Open(result, vae.Encoder.Metadata);
            var (first, last) = (result.GetValue(from), result.GetValue(to));
            ModelData.RequireImage(images, first, "--from");
            ModelData.RequireImage(images, last, "--to");
            int count = result.GetValue(steps);
            float[] between = vae.Interpolate(
                ReconstructionGrid.ReadImages(images, first, 1), ReconstructionGrid.ReadImages(images, last, 1), count,
                result.GetValue(path) == Spherical ? LatentPathKind.Spherical : LatentPathKind.Linear);
            ImageLines.Save(between, vae.Decoder.Metadata, count, result.GetValue(output)!);
            Console.WriteLine($"Interpolated from {images.NameOf(first)} to {images.NameOf(last)}: {result.GetValue(output)}");
        });
        return command;
    }
}
