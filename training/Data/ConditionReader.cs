using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>What images are given with to a conditional model that has been exported: their classes, their vectors, or a part of themselves.</summary>
public static class ConditionReader
{
    /// <summary>The conditions of images, read when they are needed.</summary>
    /// <param name="source">The images.</param>
    /// <param name="shape">What the model takes.</param>
    /// <param name="isVisible">For a mask: which pixels of every image are visible, [H, W]; null for a hole of its own for each image.</param>
    /// <param name="seed">Random seed of those holes.</param>
    /// <exception cref="InvalidDataException">The images have no classes, a class that the model does not know, or vectors of another length.</exception>
    public static Condition For(ImageSource source, ConditionShape shape, bool[]? isVisible = null, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(shape);
        return Condition.Rows(source.Count, shape.Size, shape.Kind switch
        {
            ConditionKinds.Label => Labels(source, shape),
            ConditionKinds.Vector => Vectors(source, shape),
            _ => VisibleParts(source, shape, isVisible, seed),
        });
    }

    private static ImageReader Labels(ImageSource source, ConditionShape shape)
    {
        int[] positions = RelabeledImages.PositionsOf(source, shape.Classes);
        return (first, rows) =>
        {
            rows.Clear();
            for (int i = 0; i < rows.Length / shape.Size; i++)
            {
                rows[(i * shape.Size) + positions[source.LabelOf(first + i)]] = 1;
            }
        };
    }

    private static ImageReader Vectors(ImageSource source, ConditionShape shape)
    {
        ImageRequirements.RequireConditions(source, shape.Size);
        return (first, rows) =>
        {
            for (int i = 0; i < rows.Length / shape.Size; i++)
            {
                source.ReadCondition(first + i, rows.Slice(i * shape.Size, shape.Size));
            }
        };
    }

    private static ImageReader VisibleParts(ImageSource source, ConditionShape shape, bool[]? isVisible, ulong seed) => (first, rows) =>
    {
        int plane = source.Height * source.Width;
        var drawn = new bool[plane];
        for (int i = 0; i < rows.Length / shape.Size; i++)
        {
            var row = rows.Slice(i * shape.Size, shape.Size);
            try
            {
                source.ReadImage(first + i, row[..source.ImageSize]);
            }
            catch (CorruptImageException)
            {
                row[..source.ImageSize].Clear(); // whoever reads the image itself ends for it, or skips it
            }

            if (isVisible is null)
            {
                HoleMask.Draw(seed, first + i, source.Height, source.Width, drawn);
            }

            HoleMask.Hide(row, isVisible ?? drawn);
        }
    };
}
