using OnnxVae.Cli.Options;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>Random changes to training images.</summary>
internal sealed record AugmentationOptions
{
    [Option(Topic.Data, "Flip every other training image horizontally, at random.")]
    public bool RandomFlip { get; init; }

    [Option(Topic.Data, "Pad training images by so many pixels, reflected at the border, and cut out a part of the original size at random."), Between(0, 4096)]
    public int RandomCrop { get; init; }

    [Option(Topic.Data, "Shift training images by up to so many whole pixels in each direction, at random."), Between(0, 4096)]
    public int RandomShift { get; init; }

    [Option(Topic.Data, "Rotate training images by up to so many degrees in either direction, at random."), Between(0, 180)]
    public double RandomRotation { get; init; }

    /// <summary>The same for the pipeline; null for no changes.</summary>
    public Augmentation? ToAugmentation() =>
        new Augmentation { Flip = RandomFlip, CropPadding = RandomCrop, Shift = RandomShift, Rotation = RandomRotation } is { IsNone: false } augmentation ? augmentation : null;
}
