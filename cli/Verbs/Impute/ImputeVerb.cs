using System.Text.Json.Nodes;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Cli.Verbs.Impute;

/// <summary>Fills the missing values of a table.</summary>
[Verb("impute", VerbTopic.Latents, "Fills the missing values of a table.",
    Details = "Numbers become their mean given the rest of the row, categories the likeliest one; everything else stays as it is. A job that was stopped continues when it is started again.",
    Example = "impute runs/patients --data patients.csv --out complete.csv")]
internal sealed class ImputeVerb : LongVerb<ImputeOptions>
{
    protected override async Task<int> RunAsync(ImputeOptions options, CancellationToken cancellation)
    {
        string file = ModelPath.FileIn(options.Imputer, ExportedFiles.Imputer);
        var job = options.Job;
        using var original = VaeImputer.Load(file, job.ToVaeOptions());
        var (columns, draws) = (original.Metadata.Columns, options.Draws ?? 0);
        var table = OpenCopy(options, columns);
        var source = Open(options, original.Metadata);
        var imputer = options.Given.ForImages(source, original.Metadata, options.Seed) is { } condition ? original.Given(condition) : original;
        using var claim = JobRecord.Claim(job.Paths, Describe(options, file));
        var range = job.Paths.Shard.RangeOf(source.Count);
        using var output = new ImputedOutput(job.Paths, columns, table, range, draws);
        long made = await ImageJob.RunAsync(
            "Imputing", output.Missing,
            part => imputer.ImputeAsync(
                part,
                (first, rows) =>
                {
                    for (int i = 0; i < rows.Length / source.ImageSize; i++)
                    {
                        source.ReadValues(first + i, rows.Slice(i * source.ImageSize, source.ImageSize));
                    }
                },
                output.Prepare, options.Samples, draws, options.Seed, cancellation),
            output.Finish, cancellation);
        ImageJob.Report("Completed", made, range, job.Paths, imputer.Metadata);
        if (made > 0)
        {
            string now = made < range.Count ? " now" : "";
            Console.WriteLine($"Filled    {output.Filled.Values} missing {(output.Filled.Values == 1 ? "value" : "values")}{now}{(draws > 1 ? $", {draws} times" : "")}");
            if (output.Filled.Doubtful is var doubtful and > 0)
            {
                Notice.Say($"{doubtful} {(doubtful == 1 ? "row has samples" : "rows have samples")} worth fewer than 10 draws of the latents: give more --samples, or do not rely on what was filled in there.");
            }
        }

        return ExitCode.Done;
    }

    // Before any sampling.
    private static FilledTable OpenCopy(ImputeOptions options, IReadOnlyList<TableColumn> columns)
    {
        if (!TableData.IsOne(options.Data))
        {
            throw File.Exists(options.Data)
                ? new UsageException($"--data is '{options.Data}'; expected a .csv, a .tsv or a .parquet.")
                : new FileNotFoundException($"There is no file '{options.Data}': give a .csv, a .tsv or a .parquet.");
        }

        var table = new FilledTable(options.Data, options.Table.ToTableOptions(TableData.SpecOf(columns)), options.SkipCorrupt);
        if (options.Draws > 1)
        {
            table.RequireRoomForDraws();
        }

        return table;
    }

    private static ImageSource Open(ImputeOptions options, ModelMetadata model)
    {
        var data = DataOpening.Open(options.Data, new ImageOptions { SkipCorrupt = options.SkipCorrupt }, tables: options.Table, model: TableData.SpecOf(model.Columns));
        return (options.Given.VectorsFor(model) is { } vectors ? data.WithConditions(vectors) : data).All;
    }

    private static JsonObject Describe(ImputeOptions options, string imputer)
    {
        var asked = options.Job.Describe("impute", [("imputer", imputer), ("data", options.Data)]);
        (asked["samples"], asked["draws"], asked["seed"], asked["skipCorrupt"]) = (options.Samples, options.Draws, options.Seed, options.SkipCorrupt ? true : null);
        options.Table.Describe(asked);
        options.Given.Describe(asked);
        return asked;
    }
}
