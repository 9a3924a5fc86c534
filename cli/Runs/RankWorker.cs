using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>What all processes but the first do: they train what that one says, and write nothing.</summary>
internal static class RankWorker
{
    private static readonly TimeSpan TimeToSee = TimeSpan.FromMinutes(1), TimeToWonder = TimeSpan.FromSeconds(5); // of network file systems

    /// <summary>Works until there is nothing more to do.</summary>
    public static async Task RunAsync(Ranks ranks, CancellationToken cancellation)
    {
        while (ranks.Receive() is { Length: > 0 } task)
        {
            await TrainAsync(task, ranks, cancellation);
        }
    }

    private static async Task TrainAsync(string json, Ranks ranks, CancellationToken cancellation)
    {
        TrainingWorker? worker = null;
        try
        {
            ImageSource? images = null;
            string fault = "";
            try
            {
                var task = RankTask.Parse(json);
                images = task.Images.OpenTheSameImages().Train;
                task.Execution.RequireDevice();
                worker = new TrainingWorker(OpenPackage(task, ranks, cancellation), task.ToTrainerOptions(ranks));
            }
            catch (Exception e)
            {
                fault = $"{ranks.Name}: {Explanation.Of(e)}";
            }

            if (ranks.Report(fault))
            {
                await worker!.TrainAsync(images!, cancellation);
            }
        }
        catch (Exception e)
        {
            ranks.Abort(e);
        }
        finally
        {
            worker?.Dispose();
        }
    }

    // What the first process has just written may be visible to others a little later.
    private static TrainingPackage OpenPackage(RankTask task, Ranks ranks, CancellationToken cancellation)
    {
        var start = DateTime.UtcNow;
        for (bool isSaid = false; DateTime.UtcNow < start + (cancellation.IsCancellationRequested ? TimeToWonder : TimeToSee); Thread.Sleep(100))
        {
            if (TrainingPackage.IsIn(task.Package) && TrainingPackage.Open(task.Package) is var package && package.Fingerprint == task.Fingerprint)
            {
                return package;
            }

            if (!isSaid && DateTime.UtcNow > start + TimeToWonder)
            {
                isSaid = true;
                Failure.Output.WriteLine($"Waiting   {ranks.Name}: '{task.Package}' is not to be seen yet, or is an older one");
            }
        }

        throw new InvalidDataException(
            $"'{task.Package}' is here {(TrainingPackage.IsIn(task.Package) ? "not the package of the first process" : "not a package")}: put the run on a file system that all processes see, under the same path.");
    }
}
