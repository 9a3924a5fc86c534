using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Audio;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Cli.Runs;

/// <summary>Opens data for a verb, shows progress, and reports what was skipped.</summary>
internal static class DataOpening
{
    /// <summary>Opens a data set.</summary>
    /// <param name="source">Its name or path.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="window">Samples of a window, for sound; null for the usual number.</param>
    /// <param name="tables">How tables are read; null for the usual ways.</param>
    /// <param name="model">The columns of the table whose rows a model takes; null to take those of the data.</param>
    /// <exception cref="IOException">There is nothing at the path.</exception>
    /// <exception cref="InvalidDataException">The data cannot be used.</exception>
    /// <exception cref="UsageException">A window is given for data without sound, or an option of tables for others; or a model of tables has no table.</exception>
    public static ImageData Open(string source, ImageOptions options, int? window = null, TableFileOptions? tables = null, TableSpec? model = null)
    {
        bool isSound = !ImageData.IsBuiltIn(source) && WavData.IsOne(source);
        if (window is not null && !isSound)
        {
            throw new UsageException($"--window is for .wav files, but '{source}' has none: leave it out.");
        }

        bool isTable = !ImageData.IsBuiltIn(source) && TableData.IsOne(source);
        if (!isTable && (ImageData.IsBuiltIn(source) || PublicDataSets.IsOne(source) || Path.Exists(source)))
        {
            tables?.RequireNone(source);
        }

        if (!isTable && model is not null && Path.Exists(source))
        {
            throw new UsageException($"The model takes rows of a table, but '{source}' is not one: give a .csv, a .tsv or a .parquet, or a folder of such files.");
        }

        if (PublicDataSets.IsOne(source) && !PublicDataSets.IsFetched(source))
        {
            ProgressDisplay.Run($"Downloading {source}, kB", report => PublicDataSets.Fetch(source, (done, all) => report(done / 1000, all / 1000)));
        }

        var data = ProgressDisplay.Run(isSound ? "Reading sound" : isTable ? "Reading tables" : "Reading images", report =>
        {
            var turn = new Lock();
            var reading = options with
            {
                Progress = (done, total) =>
                {
                    lock (turn)
                    {
                        report(done, total);
                    }
                },
            };
            return isSound ? WavData.Open(source, reading, window)
                : isTable ? TableData.Open(source, reading, (tables ?? new TableFileOptions()).ToTableOptions(model))
                : ImageData.Open(source, reading);
        });
        if (data.PassedOver.Count > 0)
        {
            Console.Error.WriteLine($"Skipped in '{source}': {string.Join(", ", data.PassedOver)}.");
        }

        return data;
    }
}
