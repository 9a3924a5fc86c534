using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>The distortion of each value of images: numbers in a .npy, or pictures.</summary>
internal sealed class MapOutput : IDisposable
{
    /// <summary>The option that names it.</summary>
    public const string Option = "--map";

    private readonly JobPaths paths;
    private readonly IDisposable? claim;
    private readonly CorruptImages corrupt;
    private readonly OutputImages images;
    private readonly ImageOutput output;

    private MapOutput(JobPaths paths, IDisposable? claim, CorruptImages corrupt, OutputImages images) =>
        (this.paths, this.claim, this.corrupt, this.images, output) = (paths, claim, corrupt, images, ImageOutput.Open(paths, images, corrupt));

    /// <summary>Opens an output, and resumes what an interrupted job left behind.</summary>
    /// <param name="paths">Where to write.</param>
    /// <param name="model">The scorer's metadata.</param>
    /// <param name="source">The images.</param>
    /// <param name="skipCorrupt">Whether images that cannot be read are left out.</param>
    /// <param name="asked">What the output depends on.</param>
    public static MapOutput Open(JobPaths paths, ModelMetadata model, ImageSource source, bool skipCorrupt, JsonObject asked)
    {
        if (!paths.IsArray && !model.IsImage)
        {
            throw new UsageException($"{Option} is '{paths.Output}', but the model's examples, {string.Join(" x ", model.Axes)}, are not images: give a .npy.");
        }

        var claim = JobRecord.Claim(paths, asked, Option);
        try
        {
            return new MapOutput(paths, claim, new CorruptImages(paths.Corrupt, skipCorrupt), new OutputImages(
                model, paths.Shard.RangeOf(source.Count, paths.Unit), source.Count, ImageFormat.Png, OutputNames.Of(source, source.Count, ImageFormat.Png))
            {
                IsReal = paths.IsArray,
            });
        }
        catch
        {
            claim?.Dispose();
            throw;
        }
    }

    /// <summary>The images whose maps have not been written yet.</summary>
    public IReadOnlyList<ImageRange> Missing => output.Missing;

    /// <summary>Reads images; those that cannot be read are listed, or end the job.</summary>
    public void Read(ImageSource source, long first, Span<float> block) => corrupt.Read(source, first, block);

    /// <summary>Does the work that can be done out of order; called from several threads.</summary>
    /// <param name="first">The number of the first image.</param>
    /// <param name="scores">The scores, with their map.</param>
    /// <returns>The work that remains to be done in order.</returns>
    public JobStep Prepare(long first, ExampleScores scores) => output.Prepare(first, images.IsReal ? scores.Map : Bright(scores.Map, images.Size));

    /// <summary>Makes the maps that are missing, and renames everything to its final name.</summary>
    /// <param name="areMade">Whether those that were missing have been prepared.</param>
    /// <param name="stream">Scores a range of images.</param>
    /// <param name="cancellation">Stops the job.</param>
    public async Task FinishAsync(bool areMade, Func<ImageRange, ScoreProjection<JobStep>, IAsyncEnumerable<JobStep>> stream, CancellationToken cancellation)
    {
        long made = Missing.Sum(range => range.Count);
        if (areMade)
        {
            output.Finish();
        }
        else
        {
            await ImageJob.RunAsync("Mapping", Missing, part => stream(part, Prepare), output.Finish, cancellation);
        }

        ImageJob.Report("Mapped", made, images.Range, paths, images.Model, corrupt);
    }

    public void Dispose()
    {
        output.Dispose();
        claim?.Dispose();
    }

    // Each map from its smallest value, black, to its largest one, white.
    private static float[] Bright(ReadOnlySpan<float> maps, int size)
    {
        float[] bright = maps.ToArray();
        for (int start = 0; start < bright.Length; start += size)
        {
            var map = bright.AsSpan(start, size);
            float smallest = TensorPrimitives.Min(map), range = TensorPrimitives.Max(map) - smallest;
            TensorPrimitives.Subtract(map, smallest, map);
            TensorPrimitives.Multiply(map, range > 0 ? 1 / range : 0, map);
        }

        return bright;
    }
}
