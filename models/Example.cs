using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models;

/// <summary>One example: an image of 8-bit values, or of real numbers, and perhaps its class. The preprocessing of the values for the network is part of the graph.</summary>
/// <param name="Image">The image's shape.</param>
public sealed record Example(ImageShape Image)
{
    /// <summary>How pixels are prepared for the model.</summary>
    public PixelPreparation Pixels { get; init; }

    /// <summary>Whether training takes real numbers, which are seen as they are, instead of 8-bit values.</summary>
    public bool IsReal { get; init; }

    /// <summary>The bits of the pixels that the real numbers come from, 8 or 16.</summary>
    public int BitDepth { get; init; } = 8;

    /// <summary>The names of the classes that a label chooses from; empty for examples without labels.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>A batch of examples.</summary>
    /// <param name="size">N.</param>
    public ExampleBatch Batch(int size)
    {
        var images = ProgramInput.Data("images", IsReal ? ElementType.Float32 : ElementType.UInt8, BatchOf(size));
        var binarization = ProgramInput.DataUniform("binarizationNoise", BatchOf(size));
        var values = IsReal ? images.Value : Cast(images.Value, ElementType.Float32) * (1f / 255f);
        var seen = Pixels switch
        {
            PixelPreparation.Threshold => Binary(values, 0.5f),
            PixelPreparation.Sampled => Binary(values, binarization.Value),
            _ => values,
        };
        return new ExampleBatch(images, binarization, Classes.Count > 0 ? ProgramInput.Data("labels", ElementType.Int64, [size]) : null, seen);
    }

    /// <summary>Input images of a deployed graph, Float32 [N, C, H, W] in [0, 1], for any N, and the images as the model sees them.</summary>
    public (Value Input, Value Seen) Deployed()
    {
        var input = Value.Input("image", ElementType.Float32, BatchOf(Shape.Batch));
        return (input, See(input));
    }

    /// <summary>Images in deployed graphs as the model sees them.</summary>
    /// <param name="images">Float32, values in [0, 1].</param>
    internal Value See(Value images) => Pixels == PixelPreparation.Grey ? images : Binary(images, 0.5f);

    private Shape BatchOf(long size) => [size, Image.Channels, Image.Height, Image.Width];

    // 1 with the pixel's probability if the threshold is uniform noise; 1 for pixels above one half if the threshold is one half.
    private static Value Binary(Value pixels, Value threshold) => Where(Greater(pixels, threshold), 1f, 0f);
}

/// <summary>A batch of examples as inputs of a program.</summary>
/// <param name="Images">UInt8 or Float32 [N, C, H, W].</param>
/// <param name="Binarization">Binarization noise, for pixels that are drawn to be 0 or 1; unused inputs are left out of the file.</param>
/// <param name="Labels">The classes, Int64 [N]; null for examples without labels.</param>
/// <param name="Seen">The images as the model sees them, Float32 [N, C, H, W] in [0, 1].</param>
public sealed record ExampleBatch(ProgramInput Images, ProgramInput Binarization, ProgramInput? Labels, Value Seen);
