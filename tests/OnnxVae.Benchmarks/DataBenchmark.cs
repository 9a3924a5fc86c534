using System.Diagnostics;
using System.Formats.Tar;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using SkiaSharp;

namespace OnnxVae.Benchmarks;

/// <summary>A source of images, against what a model eats of it.</summary>
/// <param name="Source">The source.</param>
/// <param name="Images">Training images in it.</param>
/// <param name="OpeningMilliseconds">Time until the first batch can be prepared.</param>
/// <param name="PreparedPerSecond">Images in the batches that are prepared on one thread, in random order and with noise.</param>
/// <param name="EatenPerSecond">Images that the training step takes.</param>
public sealed record DataResult(string Source, long Images, double OpeningMilliseconds, double PreparedPerSecond, double EatenPerSecond);

/// <summary>Whether the sources keep up with the fastest model, (a), for images of their size.</summary>
internal static class DataBenchmark
{
    private const int Copies = 2000;
    private const int StepsPerBlock = 50;

    /// <summary>Measures sources; where none are given the sprites, and some of them in every kind of file.</summary>
    public static IEnumerable<DataResult> Run(IReadOnlyList<string> sources, int threads)
    {
        if (sources.Count > 0)
        {
            foreach (string source in sources)
            {
                yield return Measure(source, source, threads);
            }

            yield break;
        }

        var folder = Directory.CreateTempSubdirectory("onnxvae-data-");
        try
        {
            yield return Measure(Sprites.Name, Sprites.Name, threads);
            foreach (var (kind, path) in WriteSprites(folder.FullName))
            {
                yield return Measure(kind, path, threads);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static DataResult Measure(string name, string path, int threads)
    {
        var opening = Stopwatch.StartNew();
        var images = ImageData.Open(path).Train;
        opening.Stop();

        var model = BenchmarkModel.All[0] with { Image = new ExampleShape(images.Channels, images.Height, images.Width) };
        var program = model.Compile().Compile().Spec;
        double prepared = model.Batch * 1000 / MillisecondsPerBatch(program, images);
        using var step = new OnnxStep(model, threads);
        step.DrawNoise();
        double eaten = model.Batch * 1000 / Stopwatches.Median(Stopwatches.Time(step.Run, StepsPerBlock));
        return new DataResult(name, images.Count, opening.Elapsed.TotalMilliseconds, prepared, eaten);
    }

    private static double MillisecondsPerBatch(ProgramSpec program, ImageSource images)
    {
        var pipeline = new BatchPipeline(program, images, seed: 1, firstStep: 1, lastStep: long.MaxValue);
        try
        {
            // As many batches at a time as are certainly more than the pipeline holds ready.
            return Stopwatches.Median(Stopwatches.Time(() => Take(StepsPerBlock), runs: 5)) / StepsPerBlock;
        }
        finally
        {
            pipeline.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        void Take(int batches)
        {
            for (int i = 0; i < batches; i++)
            {
                pipeline.Return(pipeline.Next());
            }
        }
    }

    private static IEnumerable<(string Kind, string Path)> WriteSprites(string folder)
    {
        var sprites = new Sprites();
        var pixels = new byte[Copies][];
        for (int i = 0; i < Copies; i++)
        {
            sprites.Read(i * (sprites.Count / Copies), pixels[i] = new byte[sprites.ImageSize]);
        }

        string npy = Path.Combine(folder, "sprites.npy");
        using (var file = File.Create(npy))
        {
            Npy.WriteHeader(file, "|u1", Copies, sprites.Height, sprites.Width);
            Array.ForEach(pixels, image => file.Write(image));
        }

        yield return (".npy", npy);
        foreach (var (kind, format) in new[] { ("png", SKEncodedImageFormat.Png), ("jpg", SKEncodedImageFormat.Jpeg), ("webp", SKEncodedImageFormat.Webp) })
        {
            string images = Directory.CreateDirectory(Path.Combine(folder, kind)).FullName;
            for (int i = 0; i < Copies; i++)
            {
                using var bitmap = new SKBitmap(new SKImageInfo(sprites.Width, sprites.Height, SKColorType.Gray8));
                pixels[i].CopyTo(bitmap.GetPixelSpan());
                using var file = File.Create(Path.Combine(images, $"{i:D5}.{kind}"));
                bitmap.Encode(file, format, quality: 90);
            }

            yield return ($"folder of .{kind}", images);
        }

        string tar = Path.Combine(folder, "sprites.tar");
        TarFile.CreateFromDirectory(Path.Combine(folder, "png"), tar, includeBaseDirectory: false);
        yield return (".tar of .png", tar);
    }
}
