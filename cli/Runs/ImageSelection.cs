using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Cli.Runs;

/// <summary>Images for an exported model.</summary>
internal record ImageSelection
{
    private const ulong BinarizationSeed = 1;
    private const int WordBits = 16;

    [Option(Topic.Data, "The images.", IsRequired = true)]
    public virtual string? Data { get; init; }

    [Option(Topic.Data, "Which of the images."), Among<Splits>]
    public string Split { get; init; } = "all";

    [SkipCorruptOption]
    public bool SkipCorrupt { get; init; }

    [BinarizeOption]
    public bool Binarize { get; init; }

    [Group]
    public TableFileOptions Table { get; init; } = new();

    /// <summary>Faults of options that select images when no data are given.</summary>
    protected IEnumerable<string> FaultsWithoutData(GivenOptions given) => Data is not null ? []
        : ((string[])[nameof(Split), nameof(SkipCorrupt), nameof(Binarize)]).Select(OptionNames.OfProperty).Concat(OptionNames.Of(typeof(TableFileOptions))).Where(given.Names.Contains).Select(option => $"{option} needs --data: it is about those images.");

    /// <summary>Adds what determines the images to the record of a job.</summary>
    public void Describe(ImageSource images, JsonObject asked)
    {
        (asked["data"], asked["split"], asked["binarize"], asked["images"]) = (Data, Split, Binarize, images.Count);
        Table.Describe(asked);
    }

    /// <summary>Opens the images.</summary>
    /// <param name="model">The model that determines their shape.</param>
    /// <param name="isLazy">Whether image files are opened only when they are read; unreadable ones are only found then.</param>
    /// <param name="conditions">A vector for each of all images; null for none.</param>
    /// <exception cref="InvalidDataException">The images are of another shape.</exception>
    /// <exception cref="ArgumentException">There are more or fewer vectors than images.</exception>
    public ImageSource Open(ModelMetadata model, bool isLazy = false, ImageConditions? conditions = null)
    {
        var shape = new ExampleShape(model.Channels, [.. model.Axes.Skip(1)]);
        var options = new ImageOptions
        {
            Size = model.IsImage ? (model.Height, model.Width) : null,
            Channels = model.IsImage ? model.Channels : null,
            Shape = shape,
            IsChannelsLast = model.IsChannelsLast,
            IsReal = model.IsReal,
            SkipCorrupt = SkipCorrupt,
            BinarizationSeed = Binarize ? BinarizationSeed : null,
            IsLazy = isLazy,
            BitDepth = model.BitDepth == WordBits ? WordBits : null,
        };
        var images = DataOpening.Open(Data!, model.Columns.Count > 0 ? options with { Shape = null } : options, tables: Table, model: model.Columns.Count > 0 ? TableData.SpecOf(model.Columns) : null);
        images = conditions is null ? images : images.WithConditions(conditions);
        return images.All.Table is not null && model.Columns.Count == 0 ? throw new InvalidDataException($"'{Data}' is a table, but the {model.Kind} takes {(model.IsImage ? "images" : "examples")} of {shape} numbers.")
            : images.All.Shape != shape ? throw new InvalidDataException($"The {images.All.Shape.Noun} are {images.All.Shape.Description}, but the {model.Kind} takes {shape}.")
            : model.IsUnitRange && !images.All.IsUnitRange ? throw new InvalidDataException($"'{Data}' has numbers outside the range from 0 to 1, or so many that it is not known, but the {model.Kind} takes no others.")
            : images.Split(Split);
    }
}
