using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae generate</c>: images from draws of the prior.</summary>
internal static class GenerateVerb
{
    private const int GridColumns = 8;
    private const int LargestGrid = 64;

    public static Command Create()
    {
        var decoderArgument = new Argument<string>("DECODER") { Description = "A decoder.onnx." };
        var count = VerbOptions.AtLeast(1, new Option<int>("--count") { Description = "How many images.", DefaultValueFactory = _ => 64 });
        var seed = VerbOptions.Seed();
        var output = new Option<string>("--out") { Description = "A folder for PNG files, or a .npy file; each shard has a .npy of its own, FILE-I-of-N.npy.", Required = true };
        var grid = new Option<string?>("--grid") { Description = $"Also draw the first {LargestGrid} into one PNG." };
        var prior = new Option<string>("--prior")
        {
            Description = "Where latents are drawn from: the model's own prior, a mixture that 'fit' made of the training images' latents, or N(0, I).",
            DefaultValueFactory = _ => PriorFile.OfModel,
        };
        prior.AcceptOnlyFromAmong(PriorFile.OfModel, PriorFile.Mixture, PriorFile.StandardNormal);
        var shard = new Option<string>("--shard") { Description = "Only part I of N, as I/N with I from 0; shards need no merging.", DefaultValueFactory = _ => "0/1" };
        var batch = VerbOptions.AtLeast(1, new Option<int>("--batch") { Description = "Images per run of the decoder.", DefaultValueFactory = _ => 64 });
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command(
            "generate", "Generates images; image k depends on the seed and on k alone. Example: onnxvae generate decoder.onnx --count 1000 --out images --grid grid.png")
        {
            decoderArgument, count, seed, output, grid, prior, shard, batch, device, threads,
        };
        command.SetCancellableAction((result, cancellation) =>
        {
            var part = Shard.Parse(result.GetValue(shard)!);
            var (first, end) = part.RangeOf(result.GetValue(count));
            string target = part.FileOf(result.GetValue(output)!);
            using var decoder = VaeDecoder.Load(
                result.GetValue(decoderArgument)!, OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads));
            var shape = decoder.Metadata;
            using var drawn = PriorFile.Open(result.GetValue(prior)!, result.GetValue(decoderArgument)!, shape.LatentSize);
            using var writer = ImageWriter.Create(target, first, end - first, shape.Channels, shape.Height, shape.Width);
            var gridImages = new List<float>();
            ProgressDisplay.Run("Generating", report =>
            {
                var images = new float[result.GetValue(batch) * shape.ImageSize];
                for (long k = first; k < end;)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int size = (int)Math.Min(result.GetValue(batch), end - k);
                    var generated = images.AsSpan(0, size * shape.ImageSize);
                    decoder.Generate(drawn, result.GetValue(seed), k, generated);
                    writer.Write(generated);
                    gridImages.AddRange(generated[..(Math.Min(size, Math.Max(0, LargestGrid - (int)(k - first))) * shape.ImageSize)]);
                    k += size;
                    report(k - first, end - first);
                }

                writer.Finish();
            });
            if (result.GetValue(grid) is { } file)
            {
                ImageGrid.Save(file, gridImages.ToArray(), shape.Channels, shape.Height, shape.Width, GridColumns);
            }

            Console.WriteLine($"Generated {end - first} images: {target}");
        });
        return command;
    }
}
