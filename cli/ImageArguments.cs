using System.CommandLine;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli;

/// <summary>The images of verbs that take an exported model: <c>--data</c>, <c>--split</c>, <c>--skip-corrupt</c>, <c>--binarize</c>.</summary>
internal sealed class ImageArguments
{
    private const ulong BinarizationSeed = 1;

    private readonly Option<string?> data;
    private readonly Option<string> split;
    private readonly Option<bool> skipCorrupt = VerbOptions.SkipCorrupt();
    private readonly Option<bool> binarize = VerbOptions.Binarize();

    /// <summary>Makes the options.</summary>
    /// <param name="defaultSplit">The split, if none is given.</param>
    /// <param name="description">What the images are for.</param>
    /// <param name="isRequired">Whether there must be some.</param>
    public ImageArguments(string defaultSplit, string description = "The images.", bool isRequired = true)
    {
        data = new Option<string?>("--data") { Description = description, Required = isRequired };
        split = new Option<string>("--split") { Description = "train, validation, test or all.", DefaultValueFactory = _ => defaultSplit };
    }

    /// <summary>Adds them to a verb.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[data, split, skipCorrupt, binarize])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether images are given.</summary>
    public bool AreGiven(ParseResult result) => result.GetValue(data) is not null;

    /// <summary>Whether images that cannot be read are left out.</summary>
    public bool SkipCorrupt(ParseResult result) => result.GetValue(skipCorrupt);

    /// <summary>Adds what decides which images they are to the record of a job.</summary>
    public void Describe(ParseResult result, ImageSource images, JsonObject asked) =>
        (asked["data"], asked["split"], asked["binarize"], asked["images"]) =
        (result.GetValue(data), result.GetValue(split), result.GetValue(binarize), images.Count);

    /// <summary>Opens them.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="model">What images the model takes.</param>
    /// <param name="isLazy">Whether image files are opened only when they are read; those that cannot be read are found then.</param>
    /// <exception cref="InvalidDataException">The images are of another shape.</exception>
    public ImageSource Open(ParseResult result, ModelMetadata model, bool isLazy = false)
    {
        var options = ModelData.ImagesLike(model.Channels, model.Height, model.Width, result.GetValue(skipCorrupt)) with
        {
            BinarizationSeed = result.GetValue(binarize) ? BinarizationSeed : null,
            IsLazy = isLazy,
        };
        var images = DataOpening.Open(result.GetValue(data)!, options);
        return (images.All.Channels, images.All.Height, images.All.Width) == (model.Channels, model.Height, model.Width) ? images.Split(result.GetValue(split)!) : throw new InvalidDataException(
            $"The images are {images.All.Channels} x {images.All.Height} x {images.All.Width} (channels, height, width), but the {model.Kind} takes {model.Channels} x {model.Height} x {model.Width}.");
    }
}
