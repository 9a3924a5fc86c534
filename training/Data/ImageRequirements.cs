using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>What a program, or training, requires of images.</summary>
public static class ImageRequirements
{
    /// <summary>Checks that there are enough images to train on.</summary>
    /// <exception cref="InvalidDataException">There are fewer than one batch.</exception>
    public static void RequireBatch(ImageSource source, long batchSize)
    {
        if (source.Count < batchSize)
        {
            throw new InvalidDataException($"There are {source.Count} training images, fewer than a batch of {batchSize}: take a smaller batch.");
        }
    }

    /// <summary>Checks that images have the shape that a program was compiled for, and labels if it needs them.</summary>
    /// <exception cref="InvalidDataException">They do not.</exception>
    public static void RequireFit(ProgramSpec program, ImageSource source)
    {
        if (program.Labels is not null)
        {
            RequireLabels(source);
        }

        if (program.Conditions is { } conditions)
        {
            RequireConditions(source, (int)conditions.Shape[1]);
        }

        var expected = program.Images.Shape;
        if (expected.Skip(1).SequenceEqual([source.Channels, source.Height, source.Width]))
        {
            return;
        }

        throw new InvalidDataException(
            $"The images are {source.Channels} x {source.Height} x {source.Width} (channels, height, width), but the model was compiled for {expected[1]} x {expected[2]} x {expected[3]}: compile it for these images, or scale them.");
    }

    /// <summary>Checks that images have conditions of a length.</summary>
    /// <exception cref="InvalidDataException">They have none, or others.</exception>
    public static void RequireConditions(ImageSource source, int size)
    {
        if (source.ConditionSize != size)
        {
            throw new InvalidDataException(source.ConditionSize == 0
                ? $"The model is conditional on {size} numbers for each image, but the images come without: give a .npy of them, float32 [N, {size}]."
                : $"The images come with conditions of {source.ConditionSize} numbers, but the model was compiled for {size}: give a .npy of float32 [N, {size}].");
        }
    }

    /// <summary>Checks that images have labels.</summary>
    /// <exception cref="InvalidDataException">They have none.</exception>
    public static void RequireLabels(ImageSource source)
    {
        if (source.Classes.Count == 0)
        {
            throw new InvalidDataException(
                "The images have no labels, but the model takes them: give IDX files with labels next to them, or images in a folder for each class.");
        }
    }
}
