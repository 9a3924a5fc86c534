using OnnxVae.Cli.Terminal;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>Opens data for a verb, shows progress, and reports what was skipped.</summary>
internal static class DataOpening
{
    /// <summary>Opens a data set.</summary>
    /// <inheritdoc cref="ImageData.Open"/>
    public static ImageData Open(string source, ImageOptions options)
    {
        var data = ProgressDisplay.Run("Reading images", report =>
        {
            var turn = new Lock();
            return ImageData.Open(source, options with
            {
                Progress = (done, total) =>
                {
                    lock (turn)
                    {
                        report(done, total);
                    }
                },
            });
        });
        if (data.PassedOver.Count > 0)
        {
            Console.Error.WriteLine($"Skipped in '{source}': {string.Join(", ", data.PassedOver)}.");
        }

        return data;
    }
}
