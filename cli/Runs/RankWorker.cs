using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>What all processes but the first do: they train what that one says, and write nothing.</summary>
internal static class RankWorker
{
    private static readonly TimeSpan TimeToSee = TimeSpan.FromMinutes(1); // of network file systems

    /// <summary>Works until there is nothing more to do.</summary>
    public static async Task RunAsync(Ranks ranks, CancellationToken cancellation)
    {
        while (ranks.Receive() is { } task)
        {
            await TrainAsync(task, ranks, cancellation);
        }
    }

    private static async Task TrainAsync(RankTask task, Ranks ranks, CancellationToken cancellation)
    {
        TrainingWorker? worker = null;
        try
        {
            ImageSource? images = null;
            string fault = "";
            try
            {
                images = task.Images.OpenTheSameImages().Train;
                task.Execution.RequireDevice();
                worker = new TrainingWorker(OpenPackage(task.Package), task.ToTrainerOptions(ranks));
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
            Failure.Output.WriteLine(Failure.TextOf(e, ranks.Name));
            Failure.Output.Flush();
            ranks.Group.Abort(Failure.CodeOf(e));
        }
        finally
        {
            worker?.Dispose();
        }
    }

    // What the first process has just written may be visible to others a little later.
    private static TrainingPackage OpenPackage(string folder)
    {
        var end = DateTime.UtcNow + TimeToSee;
        while (!TrainingPackage.IsIn(folder) && DateTime.UtcNow < end)
        {
            Thread.Sleep(100);
        }

        return TrainingPackage.IsIn(folder) ? TrainingPackage.Open(folder) : throw new DirectoryNotFoundException(
            $"There is no package '{folder}' here: put the run on a file system that all processes see, under the same path.");
    }
}
