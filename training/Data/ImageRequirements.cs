using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>What a program, or training, requires of examples.</summary>
public static class ImageRequirements
{
    /// <summary>Checks that there are enough images to train on.</summary>
    /// <exception cref="InvalidDataException">There are fewer than one batch.</exception>
    public static void RequireBatch(ImageSource source, long batchSize)
    {
        if (source.Count < batchSize)
        {
            throw new InvalidDataException($"There are {source.Count} training {source.Shape.Noun}, fewer than a batch of {batchSize}: take a smaller batch.");
        }
    }

    /// <summary>Checks that examples have the shape that a program was compiled for, and labels if it needs them.</summary>
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

        if (source.Shape != program.ExampleShape)
        {
            throw new InvalidDataException(
                $"The {source.Shape.Noun} are {source.Shape.Description}, but the model was compiled for {program.ExampleShape}: {(source.Shape.IsImage ? "compile it for these images, or scale them." : "compile it for these examples.")}");
        }

        if (source.IsReal && program.Images.Type == ElementType.UInt8)
        {
            throw new InvalidDataException("The examples are real numbers, but the model was compiled for 8-bit pixels: compile it for these examples.");
        }
    }

    /// <summary>Checks that examples are what a model was compiled for: pixels, or real numbers, with values in its range.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public static void RequireFit(TrainingPackage package, ImageSource source)
    {
        ArgumentNullException.ThrowIfNull(package);
        RequireColumns(package.Table, source.Table);
        RequireFit(package.Manifest.Step, source);
        if (package.TakesRealNumbers != source.IsReal)
        {
            throw new InvalidDataException(source.IsReal
                ? "The examples are real numbers, but the model was compiled for pixels: compile it for these examples."
                : "The examples are pixels, but the model was compiled for real numbers in units of their own: compile it for these examples.");
        }

        if (package.TakesUnitRange && !source.IsUnitRange)
        {
            throw new InvalidDataException("The examples are any real numbers, but the model was compiled for numbers from 0 to 1: compile it for these examples.");
        }
    }

    private static void RequireColumns(TableSpec? compiled, TableSpec? given)
    {
        if (compiled is null != given is null)
        {
            throw new InvalidDataException(given is null
                ? $"The model was compiled for the rows of a table with {compiled!.Columns.Count} columns, but the examples are not rows of a table: compile it for these examples."
                : "The examples are rows of a table, but the model was compiled for others: compile it for these examples.");
        }

        if (given is not null && compiled!.DifferenceFrom(given) is { } column)
        {
            throw new InvalidDataException($"Column '{column}' is not in both the table and the model, at the same place and with the same type and categories: compile the model for this table.");
        }
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
                "The examples have no labels, but the model takes them: give IDX files with labels next to them, images in a folder for each class, or an array y_train of whole numbers.");
        }
    }
}
