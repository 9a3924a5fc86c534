using System.Text.Json.Serialization;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>The images of a run.</summary>
internal sealed record DataOptions
{
    [Option(Topic.Data, "sprites, scenes or scenes-random (built in); mnist, fashion-mnist, kmnist or cifar10 (downloaded once); a folder of IDX files or images, a .tar, .tar.gz or .zip of images; a .npy or .npz, or a folder of .npy, with images or other arrays of numbers; a .wav or a folder of .wav; a .csv, a .tsv or a .parquet, or a folder of such tables."), JsonRequired]
    public string Data { get; init; } = Sprites.Name;

    [Option(Topic.Data, "Side of the square to which images are scaled and cropped; as they are, if left out."), Between(1, 4096)]
    public int? ImageSize { get; init; }

    [Option(Topic.Data, "1 for grayscale, 3 for color; if omitted, color if any image has it."), Channels]
    public int? Channels { get; init; }

    [Option(Topic.Data, "What the axes of an array are, if its shape does not tell: N examples of C channels; the length L of series, the sides H and W of images, D, H and W of volumes. nd: vectors of D columns."), Among<Layouts>]
    public string? Layout { get; init; }

    [Option(Topic.Data, "Take the numbers of an array in units of their own: brought to mean 0 and standard deviation 1, to the range from 0 to 1 (each channel, or column of vectors, by the training data), or as they are. If left out, pixels and numbers from 0 to 1 are as they are, others standardized."), Among<Scalings>]
    public string? Scale { get; init; }

    [Option(Topic.Data, "Samples of a window, the length L of the series that .wav files are cut into. 1024 if left out."), Between(2, 1 << 24)]
    public int? Window { get; init; }

    [Group]
    public TableFileOptions Table { get; init; } = new();

    [SkipCorruptOption]
    public bool SkipCorrupt { get; init; }

    [BinarizeOption]
    public bool Binarize { get; init; }

    [Option(Topic.Data, "Share of the training images that is held out for validation, always the same ones; 0 for none. Data with a validation split of their own use that."), Share]
    public double Validation { get; init; }

    [Option(Topic.Condition, "What the model is conditional on: label (each image's class), mask (the visible part of an image, to complete it), or a .npy of numbers [N, K] with a vector for each image."), ConditionValue]
    public string? Condition { get; init; }

    /// <summary>The same with the full path of the data, so that they are found from any folder.</summary>
    public DataOptions Resolve() => this with
    {
        Data = !ImageData.IsBuiltIn(Data) && Path.Exists(Data) ? Path.GetFullPath(Data) : Data,
        Condition = Conditions.IsFile(Condition) && Path.Exists(Condition) ? Path.GetFullPath(Condition) : Condition,
    };

    /// <summary>Opens the images, with their conditions if there is a file of them.</summary>
    /// <param name="seed">Random seed for drawing pixels as black or white.</param>
    /// <param name="isReal">Whether arrays hold real numbers; null to tell by the options and the values.</param>
    /// <param name="table">The columns of the table whose rows a model takes; null to take those of the data.</param>
    public ImageData Open(ulong seed, bool? isReal = null, TableSpec? table = null)
    {
        var options = ToImageOptions(seed);
        var images = DataOpening.Open(Data, options with { IsReal = isReal ?? options.IsReal }, Window, Table, table);
        images = Conditions.IsFile(Condition) ? images.WithConditions(ImageConditions.Read(Condition)) : images;
        return Validation > 0 ? images.WithValidation(Validation) : images;
    }

    /// <summary>How the images are prepared.</summary>
    /// <param name="seed">Random seed for drawing pixels as black or white.</param>
    public ImageOptions ToImageOptions(ulong seed) => new()
    {
        Size = ImageSize is { } side ? (side, side) : null,
        Channels = Channels,
        Layout = Layout is { } layout ? Layouts.Find(layout) : null,
        IsReal = Scale is null ? null : true,
        SkipCorrupt = SkipCorrupt,
        BinarizationSeed = Binarize ? seed : null,
    };
}
