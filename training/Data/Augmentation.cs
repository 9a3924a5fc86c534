namespace OnnxVae.Training.Data;

/// <summary>Random changes to training images, drawn anew for every step. They depend on the seed, the step and the image's place in the batch alone, so that resuming stays exact.</summary>
public sealed record Augmentation
{
    /// <summary>Whether every other image, on average, is flipped horizontally.</summary>
    public bool Flip { get; init; }

    /// <summary>Pixels that are added on every side, by reflection, before a part of the original size is cut out at random; 0 for none.</summary>
    public int CropPadding { get; init; }

    /// <summary>The largest shift in each direction, in whole pixels; what comes in repeats the border. 0 for none.</summary>
    public int Shift { get; init; }

    /// <summary>The largest rotation about the center, in degrees in either direction, with bilinear interpolation; what comes in repeats the border. 0 for none.</summary>
    public double Rotation { get; init; }

    /// <summary>Whether images stay as they are.</summary>
    public bool IsNone => this == new Augmentation();

    /// <summary>Requires the changes to be possible for images of a source.</summary>
    /// <param name="images">The images.</param>
    /// <exception cref="ArgumentException">A number is out of range, or too large for the images.</exception>
    public void RequireFit(ImageSource images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (!IsNone && !images.Shape.IsImage)
        {
            throw new ArgumentException($"The examples are {images.Shape.Noun}; random changes are for images: leave them out.");
        }

        int side = Math.Min(images.Height, images.Width);
        Require(CropPadding, $"The padding of the crop is {CropPadding} pixels,");
        Require(Shift, $"The shift is {Shift} pixels,");
        if (!(Rotation is >= 0 and <= 180))
        {
            throw new ArgumentException($"The rotation is {Rotation} degrees; give 0 to 180.");
        }

        void Require(int pixels, string which)
        {
            if (pixels < 0 || pixels >= side)
            {
                throw new ArgumentException($"{which} but the images have {images.Height} x {images.Width}: give 0 to {side - 1}.");
            }
        }
    }
}
