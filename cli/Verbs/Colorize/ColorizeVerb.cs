using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs.Colorize;

/// <summary>Colors grayscale images in several ways each, and shows the segments behind them.</summary>
[Verb("colorize", VerbTopic.Images, "Colors grayscale images, in several ways each.", Details = "Images in color are taken as grayscale ones. The segments of the first way are written too.",
    Example = "colorize runs/scenes --data photos --out colored --samples 4")]
internal sealed class ColorizeVerb : LongVerb<ColorizeOptions>
{
    protected override Task<int> RunAsync(ColorizeOptions options, CancellationToken cancellation)
    {
        OutputFolder.RequireNew(options.Out);
        using var colorizer = Colorizer.Load(ModelPath.FileIn(options.Run, ExportedFiles.Colorizer), options.Execution.ToVaeOptions());
        var images = options.Images.Open(colorizer.Metadata);
        int count = (int)Math.Min(options.Count ?? images.Count, Math.Min(images.Count, int.MaxValue));
        Directory.CreateDirectory(options.Out);
        var names = OutputNames.Of(images, count, ImageFormat.Png);
        ProgressDisplay.Run("Coloring", report =>
        {
            for (int i = 0; i < count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                Write(options, colorizer, images, i, Path.ChangeExtension(names?.FileOf(i) ?? ImageFormat.Png.FileOf(i), null));
                report(i + 1, count);
            }

            return count;
        });
        Console.WriteLine($"Colored {count} {(count == 1 ? "image" : "images")}, {options.Samples} {(options.Samples == 1 ? "way" : "ways")} each: {options.Out}");
        return Task.FromResult(ExitCode.Done);
    }

    private static void Write(ColorizeOptions options, Colorizer colorizer, ImageSource images, int index, string name)
    {
        var image = new float[images.ImageSize];
        images.ReadValues(index, image);
        float[] grey = [.. Colorizer.Luminance(image, colorizer.GreySize).Select(x => Math.Clamp(x, 0, 1))];
        for (int way = 0; way < options.Samples; way++)
        {
            var (colored, segments) = colorizer.Colorize(grey, options.Seed + (ulong)way, index, options.Noise);
            Save($"{name}-{way + 1}.png", colored);
            if (way == 0)
            {
                Save($"{name}-segments.png", SegmentPicture.Of(segments, colorizer));
            }
        }

        void Save(string file, float[] values)
        {
            string path = Path.Combine(options.Out, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, stream => stream.Write(ImageFormat.Png.Encode(OutputImages.ToBytes(values), 3, colorizer.Metadata.Height, colorizer.Metadata.Width)));
        }
    }
}
