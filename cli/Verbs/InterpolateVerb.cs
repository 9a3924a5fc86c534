using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae interpolate</c>: images between two images.</summary>
internal static class InterpolateVerb
{
    private const string Spherical = "spherical";
    private const string Linear = "linear";

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A run, or the folder of its encoder.onnx and decoder.onnx." };
        var imageArguments = new ImageArguments("test", "Images that --from and --to name.", isRequired: false);
        var from = new Option<string>("--from") { Description = "The first image: its number or name in --data, or an image file.", DefaultValueFactory = _ => "0" };
        var to = new Option<string>("--to") { Description = "The last image, likewise.", DefaultValueFactory = _ => "1" };
        var steps = VerbOptions.Count("--steps", 9, 2, "Images, both ends among them.", 10_000);
        var path = new Option<string>("--path") { Description = "spherical, around the origin, or linear.", DefaultValueFactory = _ => Spherical };
        VerbOptions.Among([Spherical, Linear], path);
        var output = new Option<string>("--out") { Description = "A picture with all of them in a line (.png, .jpg, .webp), a .npy, or a folder for PNG files.", Required = true };
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command(
            "interpolate", "Interpolates between two images: decodes points between their latents. Example: onnxvae interpolate runs/sprites --data sprites --from 3 --to 8 --out between.png")
        {
            folder, from, to, steps, path, output, device, threads,
        };
        imageArguments.AddTo(command);
        command.SetAction(result =>
        {
            ImageLines.RequireKnown(result.GetValue(output)!);
            using var vae = TrainedVae.Load(ModelPath.Folder(result.GetValue(folder)!), new VaeOptions(OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads)));
            ModelData.RequireNumbers(vae.Decoder.Metadata);
            var images = imageArguments.AreGiven(result) ? imageArguments.Open(result, vae.Encoder.Metadata) : null;
            var first = ChosenImage.Find("--from", result.GetValue(from)!, images, vae.Encoder.Metadata);
            var last = ChosenImage.Find("--to", result.GetValue(to)!, images, vae.Encoder.Metadata);
            int count = result.GetValue(steps);
            float[] between = vae.Interpolate(
                first.Pixels, last.Pixels, count,
                result.GetValue(path) == Spherical ? LatentPathKind.Spherical : LatentPathKind.Linear);
            ImageLines.Save(between, vae.Decoder.Metadata, count, result.GetValue(output)!);
            Console.WriteLine($"Interpolated from {first.Name} to {last.Name}: {result.GetValue(output)}");
        });
        return command;
    }
}
