using System.Text.Json.Serialization;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>The images of a run.</summary>
internal sealed record DataOptions
{
    private const string First = "nchw", Last = "nhwc";

    [Option(Topic.Data, "sprites, scenes or scenes-random (built in), a folder of IDX files or images, a .tar, .tar.gz or .zip of images, a .npy or .npz, a folder of .npy."), JsonRequired]
    public string Data { get; init; } = Sprites.Name;

    [Option(Topic.Data, "Side of the square to which images are scaled and cropped; as they are, if left out."), Between(1, 4096)]
    public int? ImageSize { get; init; }

    [Option(Topic.Data, "1 for grayscale, 3 for color; if omitted, color if any image has it."), Channels]
    public int? Channels { get; init; }

    [Option(Topic.Data, "Where an array has its channels, if its shape does not tell: nchw, [N, C, H, W], or nhwc, [N, H, W, C]."), Among(First, Last)]
    public string? Layout { get; init; }

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
    public ImageData Open(ulong seed)
    {
        var images = DataOpening.Open(Data, ToImageOptions(seed));
        images = Conditions.IsFile(Condition) ? images.WithConditions(ImageConditions.Read(Condition)) : images;
        return Validation > 0 ? images.WithValidation(Validation) : images;
    }

    /// <summary>How the images are prepared.</summary>
    /// <param name="seed">Random seed for drawing pixels as black or white.</param>
    public ImageOptions ToImageOptions(ulong seed) => new()
    {
        Size = ImageSize is { } side ? (side, side) : null,
        Channels = Channels,
        Layout = Layout switch { First => ImageLayout.ChannelsFirst, Last => ImageLayout.ChannelsLast, _ => null },
        SkipCorrupt = SkipCorrupt,
        BinarizationSeed = Binarize ? seed : null,
    };
}
