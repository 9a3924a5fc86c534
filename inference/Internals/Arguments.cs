namespace OnnxVae.Inference.Internals;

/// <summary>Argument checks with explanatory messages.</summary>
internal static class Arguments
{
    // Decoders overshoot a little, and their outputs are valid images too.
    private const float Tolerance = 1e-3f, SmallestPixel = -Tolerance, LargestPixel = 1 + Tolerance;

    /// <summary>The number of rows.</summary>
    public static int RequireRows(int length, int width, string what, string expected) => length > 0 && length % width == 0
        ? length / width
        : throw new ArgumentException($"There are {length} numbers in {what}; expected one or more {expected}.");

    public static void RequireRoom(int length, int count, int width, string what)
    {
        if (length != count * width)
        {
            throw new ArgumentException($"There is room for {length} numbers in {what}; {count} of {width} need {count * width}.");
        }
    }

    public static void RequireFinite(ReadOnlySpan<float> latents, int latentSize)
    {
        for (int i = 0; i < latents.Length; i++)
        {
            if (!float.IsFinite(latents[i]))
            {
                throw new ArgumentException($"Latent {i % latentSize} of row {i / latentSize} is {latents[i]}; latents must be finite.", nameof(latents));
            }
        }
    }

    /// <summary>The conditions of rows, Float32 [N, S]; empty for a model that is given none.</summary>
    public static float[] RowsOf(ModelMetadata model, Condition? condition, long first, int rows)
    {
        RequireCondition(model, condition);
        if (condition is null)
        {
            return [];
        }

        var values = new float[rows * condition.Size];
        condition.Fill(first, values);
        return values;
    }

    /// <summary>Rejects a condition that does not fit a model, or none for a conditional model.</summary>
    public static void RequireCondition(ModelMetadata model, Condition? condition)
    {
        switch (model.Condition, condition)
        {
            case ({ } needed, null):
                throw new ArgumentException($"The {model.Kind} is conditional on {needed.Describe()}: bind it with Given first.");
            case (null, not null):
                throw new ArgumentException($"The {model.Kind} takes no condition: use it without Given.");
            case ({ } shape, { } values) when shape.Size != values.Size:
                throw new ArgumentException($"The condition has {values.Size} values for each image; the {model.Kind} takes {shape.Describe()}.");
        }
    }

    /// <summary>Rejects a condition of fewer images than are asked for.</summary>
    public static void RequireConditions(Condition? condition, long end)
    {
        if (condition is not null && condition.Count < end)
        {
            throw new ArgumentException($"There are conditions for {condition.Count} images, but image {end - 1} needs one too: give more, or ask for fewer images.");
        }
    }

    /// <summary>Rejects values that are not pixels, or not finite.</summary>
    /// <param name="images">The values.</param>
    /// <param name="model">The model that takes them.</param>
    /// <param name="imageSize">How many there are of each example; as many as it has, if left out.</param>
    public static void RequireValues(ReadOnlySpan<float> images, ModelMetadata model, int? imageSize = null)
    {
        int size = imageSize ?? model.ImageSize;
        var (smallest, largest) = model.IsUnitRange ? (SmallestPixel, LargestPixel) : (float.MinValue, float.MaxValue);
        bool mayBeMissing = model.Columns.Count > 0;
        for (int i = 0; i < images.Length; i++)
        {
            if (!(images[i] >= smallest && images[i] <= largest) && !(mayBeMissing && float.IsNaN(images[i])))
            {
                throw new ArgumentException(
                    $"Value {i % size} of {(model.IsImage ? "image" : "example")} {i / size} is {images[i]}; {(model.IsUnitRange ? "pixels go from 0 to 1: divide bytes by 255 or give them as bytes, and bring other ranges to this one" : mayBeMissing ? "values must be finite, or NaN if they are missing" : "values must be finite: leave that example out")}.", nameof(images));
            }
        }

        if (mayBeMissing)
        {
            RequireCategories(images, model);
        }
    }

    // A category is missing in all of its places or in none, and has probabilities.
    private static void RequireCategories(ReadOnlySpan<float> rows, ModelMetadata model)
    {
        int size = model.ImageSize;
        for (int row = 0; row < rows.Length / size; row++)
        {
            foreach (var column in model.Columns)
            {
                var places = rows.Slice((row * size) + column.Start, column.Width);
                bool isMissing = float.IsNaN(places[0]);
                for (int i = 0; column.Kind != TableColumnKind.Number && i < places.Length; i++)
                {
                    if (float.IsNaN(places[i]) != isMissing || places[i] < SmallestPixel || places[i] > LargestPixel)
                    {
                        throw new ArgumentException($"Value {column.Start + i} of row {row} is {places[i]}; column '{column.Name}' takes probabilities from 0 to 1, or NaN in all of its {places.Length} places: {nameof(TableColumn)}.{nameof(TableColumn.Write)} writes them.", nameof(rows));
                    }
                }
            }
        }
    }

    /// <summary>Rejects a model of other numbers than those of pixels.</summary>
    public static void RequirePixels(ModelMetadata model)
    {
        if (!model.IsUnitRange)
        {
            throw new ArgumentException($"The {model.Kind} takes or gives real numbers in the data's units, not pixels: use Float32.", nameof(model));
        }
    }

    /// <summary>Pixels as a model takes them.</summary>
    /// <param name="pixels">The pixels.</param>
    /// <param name="model">The model; it must be one of pixels.</param>
    public static PooledArray OfPixels(ReadOnlySpan<byte> pixels, ModelMetadata model)
    {
        RequirePixels(model);
        var images = new PooledArray(pixels.Length);
        Pixels.ToFloat(pixels, images.Span);
        return images;
    }
}
