using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch;

/// <summary>Works through the images of a job.</summary>
internal static class ImageJob
{
    /// <summary>Says what was done.</summary>
    public static void Report(string what, long images, JobPaths paths, CorruptImages? corrupt = null)
    {
        corrupt?.Finish();
        long done = images - (corrupt?.CountNow ?? 0);
        Console.WriteLine(images == 0 ? $"Nothing was left to do: {paths.Target}" : $"{what} {done} {(done == 1 ? "image" : "images")}: {paths.Target}");
        if (corrupt is { Count: > 0 })
        {
            Console.WriteLine($"{corrupt.Count} images were left out, because they cannot be read; they are listed in {paths.Corrupt}");
        }
    }

    /// <summary>Works through the images that are missing.</summary>
    /// <param name="title">What is being done.</param>
    /// <param name="missing">The images.</param>
    /// <param name="stream">Makes a stream of steps, each to be taken in its turn, for some of them.</param>
    /// <param name="finish">Comes last.</param>
    /// <param name="cancellation">Stops the job; what is done stays done.</param>
    /// <returns>How many images were missing.</returns>
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
