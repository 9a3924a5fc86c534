using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch;

/// <summary>Processes the images of a job.</summary>
internal static class ImageJob
{
    /// <summary>Prints what was done.</summary>
    /// <param name="what">What was done to the images.</param>
    /// <param name="images">How many were missing.</param>
    /// <param name="range">The images of this shard.</param>
    /// <param name="paths">Where they are.</param>
    /// <param name="model">The model that they are for.</param>
    /// <param name="corrupt">Those that could not be read.</param>
    public static void Report(string what, long images, ImageRange range, JobPaths paths, ModelMetadata model, CorruptImages? corrupt = null)
    {
        string noun = model.Columns.Count > 0 ? "row" : "image";
        corrupt?.Finish();
        long done = images - (corrupt?.CountNow ?? 0);
        string all = images < range.Count ? $" ({range.Count} in all)" : "";
        Console.WriteLine(
            range.Count == 0 ? $"There is nothing to do: shard {paths.Shard.Index}/{paths.Shard.Count} has no {noun}s{(paths.Unit > 1 ? $", since shards of a .tar begin at multiples of {paths.Unit}" : "")}."
            : images == 0 ? $"Nothing was left to do: {paths.Shown}"
            : $"{what} {done} {noun}{(done == 1 ? "" : "s")}{all}: {paths.Shown}");
        if (corrupt is { Count: > 0 })
        {
            Console.WriteLine($"{(corrupt.Count == 1 ? $"1 {noun} was" : $"{corrupt.Count} {noun}s were")} skipped because {(corrupt.Count == 1 ? "it" : "they")} cannot be read, as listed in {paths.Corrupt}");
        }
    }

    /// <summary>Processes the missing images.</summary>
    /// <param name="title">The title of the progress display.</param>
    /// <param name="missing">The images.</param>
    /// <param name="stream">Returns the steps for a range of images, to be run in order.</param>
    /// <param name="finish">Called at the end.</param>
    /// <param name="cancellation">Stops the job; finished steps are kept.</param>
    /// <returns>The number of images that were missing.</returns>
    public static async Task<long> RunAsync(
        string title, IReadOnlyList<ImageRange> missing, Func<ImageRange, IAsyncEnumerable<JobStep>> stream, Action finish, CancellationToken cancellation)
    {
        long total = missing.Sum(range => range.Count), done = 0;
        return await ProgressDisplay.RunAsync(title, async report =>
        {
            foreach (var range in missing)
            {
                await foreach (var step in stream(range).WithCancellation(cancellation))
                {
                    step.Run();
                    report(done += step.Images, total);
                }
            }

            finish();
            return total;
        });
    }
}
