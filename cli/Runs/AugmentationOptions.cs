using OnnxVae.Cli.Options;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>Random changes to training images.</summary>
internal sealed record AugmentationOptions
{
    [Option(Topic.Data, "Flip each training image horizontally with probability 1/2.")]
    public bool RandomFlip { get; init; }

    [Option(Topic.Data, "Pad training images by this many pixels on each side, by reflection, and crop them back to their size at a random place."), Between(0, 4096)]
    public int RandomCrop { get; init; }

    [Option(Topic.Data, "Shift training images at random by up to this many whole pixels in each direction; the border is repeated."), Between(0, 4096)]
    public int RandomShift { get; init; }

    [Option(Topic.Data, "Rotate training images at random by up to this many degrees either way."), Between(0, 180)]
    public double RandomRotation { get; init; }

    /// <summary>The same for the pipeline; null for no changes.</summary>
    public Augmentation? ToAugmentation() =>
        new Augmentation { Flip = RandomFlip, CropPadding = RandomCrop, Shift = RandomShift, Rotation = RandomRotation } is { IsNone: false } augmentation ? augmentation : null;
}
