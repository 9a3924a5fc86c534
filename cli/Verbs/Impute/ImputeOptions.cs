using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Impute;

/// <summary>The options of <c>impute</c>.</summary>
internal sealed record ImputeOptions : IChecked
{
    [Argument("IMPUTER", "A run, the folder of its exported files, or an imputer.onnx.")]
    public string Imputer { get; init; } = "";

    [Option(Topic.Data, "The table: a .csv, a .tsv or a .parquet.", IsRequired = true)]
    public string Data { get; init; } = "";

    [SkipCorruptOption]
    public bool SkipCorrupt { get; init; }

    [Group]
    public TableFileOptions Table { get; init; } = new();

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [Option(Topic.Imputation, "Samples of the latents for each row: the more, the nearer to what the model says."), Between(1, BetweenAttribute.LargestCount)]
    public int Samples { get; init; } = VaeImputer.UsualSamples;

    [Option(Topic.Imputation, "Write that many copies of the table, one after the other, with missing values drawn and not replaced by their means; more than one have their numbers in a column 'draw'."), Between(1, 100)]
    public int? Draws { get; init; }

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Group]
    public TableJobOptions Job { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) =>
        Directory.Exists(Data) ? [$"--data is '{Data}', a folder; give one file, of which --out becomes a copy."]
        : Job.Out.Length > 0 && Path.GetExtension(Data).Length > 0 && !string.Equals(Path.GetExtension(Data), Path.GetExtension(Job.Out), StringComparison.OrdinalIgnoreCase) ? [$"--out is '{Job.Out}', but --data is '{Data}', of which it becomes a copy: give a {Path.GetExtension(Data)}."]
        : Job.Out.Length > 0 && Path.GetFullPath(Data) == Path.GetFullPath(Job.Out) ? [$"--out and --data are both '{Data}': give another file."]
        : [];
}
