using System.Text.Json.Nodes;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Batch;

/// <summary>A job that writes images.</summary>
internal sealed record ImageJobOptions : JobOptions
{
    [Option(Topic.Output, "A folder for image files, a .csv, a .tsv or a .parquet for rows of a table, a .tar for numbered archives in WebDataset layout, a .npy, or for a single image a .png, .jpg or .webp; each shard writes its own .npy, FILE-I-of-N.npy.", IsRequired = true)]
    public string Out { get; init; } = "";

    [Option(Topic.Output, "The format of image files."), Among<ImageFormats>]
    public string Format { get; init; } = ImageFormat.Names[0];

    [Option(Topic.Output, "1 to 100, for jpeg and webp."), Between(1, 100)]
    public int Quality { get; init; } = ImageFormat.DefaultQuality;

    [Option(Topic.Output, "Write Float32 from 0 to 1 into a .npy, instead of 8-bit pixels. Numbers of a model of such are always Float32, in the data's units.")]
    public bool Float { get; init; }

    /// <inheritdoc/>
    protected override string Destination => Out;

    // For a picture, the format of its extension.
    private string? FormatOfEnding => Paths.IsPicture ? ImageFormat.NameOfEnding(Paths.Extension) : null;

    private ImageFormat Codec => new(FormatOfEnding ?? Format, Quality);

    /// <inheritdoc/>
    public override IEnumerable<string> FindFaults(GivenOptions given)
    {
        foreach (string fault in base.FindFaults(given))
        {
            yield return fault;
        }

        if (Paths.IsPicture && !PictureFile.IsWritable(Out))
        {
            yield return $"--out is '{Out}'; pictures are written as .png, .jpg or .webp.";
        }
        else if (Float && Paths.Extension != JobPaths.NpyExtension)
        {
            yield return $"--float needs a .npy, but --out is '{Out}': pictures hold 8-bit pixels.";
        }
        else if (FormatOfEnding is { } ending && given.Has(nameof(Format)) && Format != ending)
        {
            yield return $"--format is {Format}, but --out is '{Out}': leave one of them out.";
        }
    }

    /// <summary>How images of a model's shape are written.</summary>
    /// <param name="model">The model.</param>
    /// <param name="total">The number of images in all shards together.</param>
    /// <param name="source">The images that they are made from; null if they are not made from named images.</param>
    /// <exception cref="UsageException">There are several images for a single picture, or the output is not pictures.</exception>
    public OutputImages Images(ModelMetadata model, long total, ImageSource? source = null)
    {
        if (Paths.IsTable && model.Columns.Count == 0)
        {
            throw new UsageException($"--out is '{Out}'; images go to a folder, a .npy or a .tar, and one image to a picture.");
        }

        if (!Paths.IsArray)
        {
            PicturesOnly.Require(model, $"--out is '{Out}'", model.Columns.Count > 0 ? "give a .csv, a .tsv, a .parquet or a .npy" : "give a .npy");
        }

        return Paths.IsPicture && total != 1 ? throw new UsageException($"--out is '{Out}', one picture, but there are {total} images: give a folder, a .npy or a .tar.")
        : new OutputImages(
            model, Paths.Shard.RangeOf(total, Paths.Unit), total, Codec, source is null ? null : OutputNames.Of(source, total, Codec))
        { IsReal = Float || model.IsReal };
    }

    /// <inheritdoc/>
    public override JsonObject Describe(string verb, IEnumerable<(string Name, string File)> files)
    {
        var asked = base.Describe(verb, files);
        if (Paths.Extension != JobPaths.NpyExtension)
        {
            asked["format"] = Codec.Name;
            if (Codec.IsLossy)
            {
                asked["quality"] = Codec.Quality;
            }
        }

        if (Float)
        {
            asked["float"] = true;
        }

        return asked;
    }
}
