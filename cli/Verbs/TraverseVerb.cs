using System.CommandLine;
using System.Globalization;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae traverse</c>: what each latent does, one at a time.</summary>
internal static class TraverseVerb
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A run, or the folder of its decoder.onnx, and of encoder.onnx if an image is given." };
        var imageArguments = new ImageArguments("test", "Start from an image of these, instead of from all latents 0.", isRequired: false);
        var image = new Option<string?>("--image") { Description = "That image: its number or name in --data (the first, if left out), or an image file." };
        var latents = new Option<string?>("--latents") { Description = "Which latents, as in 0,3,5; all, if left out." };
        var range = VerbOptions.Positive(new Option<double>("--range") { Description = "Values go from -RANGE to RANGE.", DefaultValueFactory = _ => 3 });
        var steps = VerbOptions.Count("--steps", 9, 2, "Values of each latent.", 1000);
        var output = new Option<string>("--out") { Description = "A picture with a line per latent (.png, .jpg, .webp), a .npy, or a folder for PNG files.", Required = true };
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command("traverse", "Decodes one latent at a time over a range of values. Example: onnxvae traverse runs/sprites --out latents.png")
        {
            folder, image, latents, range, steps, output, device, threads,
        };
        imageArguments.AddTo(command);
        command.SetAction(result =>
        {
            var chosen = OnnxDevice.Parse(result.GetValue(device)!);
            string directory = ModelPath.Folder(result.GetValue(folder)!);
            ImageLines.RequireKnown(result.GetValue(output)!);
            using var decoder = VaeDecoder.Load(Path.Combine(directory, "decoder.onnx"), new VaeOptions(chosen, result.GetValue(threads)));
            ModelData.RequireNumbers(decoder.Metadata);
            int size = decoder.Metadata.LatentSize, columns = result.GetValue(steps);
            int[] rows = ParseLatents(result.GetValue(latents), size);
            var centre = new float[size];
            string start = "";
            if (imageArguments.AreGiven(result) || result.GetValue(image) is not null)
            {
                using var encoder = VaeEncoder.Load(Path.Combine(directory, "encoder.onnx"), new VaeOptions(chosen, result.GetValue(threads)));
                var images = imageArguments.AreGiven(result) ? imageArguments.Open(result, encoder.Metadata) : null;
                var chosenImage = ChosenImage.Find("--image", result.GetValue(image) ?? "0", images, encoder.Metadata);
                centre = encoder.Encode(chosenImage.Pixels).Mean;
                start = $" from {chosenImage.Name}";
            }

            var points = new float[rows.Length * columns * size];
            for (int i = 0; i < rows.Length * columns; i++)
            {
                var point = points.AsSpan(i * size, size);
                centre.CopyTo(point);
                point[rows[i / columns]] = (float)(result.GetValue(range) * ((2.0 * (i % columns) / (columns - 1)) - 1));
            }

            ImageLines.Save(decoder.Decode(points), decoder.Metadata, columns, result.GetValue(output)!);
            Console.WriteLine($"Traversed latents {string.Join(", ", rows)}, a line each{start}: {result.GetValue(output)}");
        });
        return command;
    }

    private static int[] ParseLatents(string? text, int size) => text is null ? [.. Enumerable.Range(0, size)] : [.. text.Split(',').Select(part =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int latent) && latent < size ? latent : throw new UsageException(
            $"--latents is '{text}'; expected numbers from 0 to {size - 1} with commas between them, as in 0,3."))];
}
