using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch;

/// <summary>
/// Options shared by the verbs that process any number of images. Each block of images is processed by one thread, so neither batch size nor
/// threads nor shards change a byte of the output.
/// </summary>
internal abstract record JobOptions : IChecked
{
    [Option(Topic.Execution, "Only part I of N, as I/N with I from 0; the parts need no merging.")]
    public string Shard { get; init; } = "0/1";

    [Option(Topic.Execution, "Maximum number of images in progress, in blocks that fit the model; one block per thread if omitted. Does not affect results."), AtLeast(1)]
    public int? Batch { get; init; }

    [Group]
    public ExecutionOptions Execution { get; init; } = new();

    /// <summary>Where the job writes.</summary>
    public JobPaths Paths => new(Destination, Cli.Batch.Shard.TryParse(Shard) ?? default);

    /// <summary>The value of <c>--out</c>.</summary>
    protected abstract string Destination { get; }

    /// <inheritdoc/>
    public virtual IEnumerable<string> FindFaults(GivenOptions given) => Cli.Batch.Shard.TryParse(Shard) is null
        ? [$"--shard is '{Shard}'; expected I/N with I from 0 to N - 1, as in 0/4."]
        : [];

    /// <summary>How a model runs: one thread per block, and as many blocks as threads, or as the batch allows.</summary>
    /// <exception cref="ArgumentException">The device is not available.</exception>
    public VaeOptions ToVaeOptions() => Execution.ToVaeOptions() with { ThreadsPerRun = 1, MaxImagesInProgress = Batch };

    /// <summary>What was requested of a job, for its record.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="files">The model files, by their role.</param>
    public virtual JsonObject Describe(string verb, IEnumerable<(string Name, string File)> files)
    {
        var asked = new JsonObject { ["verb"] = verb, ["device"] = Execution.Device };
        foreach (var (name, file) in files)
        {
            asked[name] = JobRecord.Fingerprint(file);
        }

        return asked;
    }
}
