using System.Runtime.InteropServices;
using System.Text;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Latents of images, with the images' names: a .npy and a text file next to it, or a .parquet. Skipped images have no row.</summary>
internal sealed class LatentOutput : IDisposable
{
    /// <summary>What is written for each posterior: mean and log-variance [N, 2, L], mean [N, L], or a sample [N, L].</summary>
    public static readonly IReadOnlyList<string> Values = [MeanAndLogVar, Mean, Sample];

    public const string MeanAndLogVar = "mean-and-log-variance";
    public const string Mean = "mean";
    public const string Sample = "sample";

    private readonly ArrayFile file;
    private readonly VaeEncoder encoder;
    private readonly ImageSource source;
    private readonly CorruptImages corrupt;
    private readonly string values;
    private readonly ulong seed;
    private readonly bool isParquet;

    /// <param name="paths">Where to write.</param>
    /// <param name="encoder">The encoder.</param>
    /// <param name="source">The images.</param>
    /// <param name="range">The numbers of this shard's images.</param>
    /// <param name="values">One of <see cref="Values"/>.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="corrupt">The skipped images.</param>
    public LatentOutput(JobPaths paths, VaeEncoder encoder, ImageSource source, ImageRange range, string values, ulong seed, CorruptImages corrupt)
    {
        (this.encoder, this.source, this.corrupt, this.values, this.seed) = (encoder, source, corrupt, values, seed);
        isParquet = paths.Extension == JobPaths.ParquetExtension;
        int size = encoder.Metadata.LatentSize;
        file = new ArrayFile(paths.Array, "<f4", values == MeanAndLogVar ? [2, size] : [size], range, hasNames: true, corrupt: corrupt);
    }

    /// <summary>The images whose latents have not been written yet.</summary>
    public IReadOnlyList<ImageRange> Missing => file.Missing;

    /// <summary>Does the work that can be done out of order; called from several threads.</summary>
    /// <param name="first">The number of the first image.</param>
    /// <param name="mean">Float32 [N, L].</param>
    /// <param name="logVar">Float32 [N, L].</param>
    /// <returns>The work that remains to be done in order.</returns>
    public JobStep Prepare(long first, ReadOnlySpan<float> mean, ReadOnlySpan<float> logVar)
    {
        int size = encoder.Metadata.LatentSize, count = mean.Length / size;
        var rows = new List<float>();
        var names = new StringBuilder();
        var sample = new float[values == Sample ? mean.Length : 0];
        if (values == Sample)
        {
            encoder.Draw(mean, logVar, seed, first, sample);
        }

        for (int i = 0; i < count; i++)
        {
            if (corrupt.Contains(first + i))
            {
                continue;
            }

            rows.AddRange((values == Sample ? sample : mean).Slice(i * size, size));
            if (values == MeanAndLogVar)
            {
                rows.AddRange(logVar.Slice(i * size, size));
            }

            names.Append(ArrayFile.OneLine(source.NameOf(first + i))).Append('\n');
        }

        byte[] lines = Encoding.UTF8.GetBytes(names.ToString());
        return new JobStep(count, () => file.Append(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(rows)), lines, first + count));
    }

    /// <summary>Renames everything to its final name.</summary>
    public void Finish()
    {
        if (file.IsFinished)
        {
            return;
        }

        if (isParquet)
        {
            string[] columns = values == MeanAndLogVar ? ["mean", "log_variance"] : [values];
            file.FinishAs((array, names, target) => LatentParquet.WriteAsync(target, array, names, columns).GetAwaiter().GetResult());
        }
        else
        {
            file.Finish();
        }
    }

    public void Dispose() => file.Dispose();
}
