using OnnxVae.Format;

namespace OnnxVae.Inference;

/// <summary>What a conditional model takes as its condition, as recorded in its files.</summary>
/// <param name="Kind"><c>label</c>, a class; <c>vector</c>, numbers; <c>mask</c>, the visible part of the image.</param>
/// <param name="Dimensions">The shape of the condition of one image: [K] for a class or a vector, [C + 1, H, W] for a mask.</param>
/// <param name="Classes">The names of the classes; empty for other kinds.</param>
public sealed record ConditionShape(string Kind, IReadOnlyList<int> Dimensions, IReadOnlyList<string> Classes)
{
    /// <summary>S, the number of values for each image.</summary>
    public int Size => Dimensions.Aggregate(1, (product, size) => product * size);

    /// <summary>The condition that all images are of a class.</summary>
    /// <param name="name">The class.</param>
    /// <exception cref="ArgumentException">The model knows no such class.</exception>
    public Condition OfClass(string name)
    {
        var values = new float[Size];
        values[IndexOf(name)] = 1;
        return Condition.Of(values);
    }

    /// <summary>The conditions that each image is of a class of its own.</summary>
    /// <param name="labels">Positions in <see cref="Classes"/>, [N].</param>
    /// <exception cref="ArgumentException">The condition is not a class, or there is no such position.</exception>
    public Condition OfLabels(IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        Require(ConditionKinds.Label, "a class");
        int size = Size;
        var rows = new float[labels.Count * size];
        for (int i = 0; i < labels.Count; i++)
        {
            rows[(i * size) + (labels[i] >= 0 && labels[i] < size ? labels[i] : throw new ArgumentException($"Label {i} is {labels[i]}; the classes are 0 to {size - 1}.", nameof(labels)))] = 1;
        }

        return Condition.Rows(rows, size);
    }

    /// <summary>The condition that part of an image is visible, for a model that completes images.</summary>
    /// <param name="image">Float32 [C, H, W], values in [0, 1]; hidden pixels may have any value.</param>
    /// <param name="isVisible">Whether each pixel is visible, [H, W].</param>
    /// <exception cref="ArgumentException">The condition is not a mask, or a length is wrong.</exception>
    public Condition OfVisible(ReadOnlySpan<float> image, ReadOnlySpan<bool> isVisible)
    {
        Require(ConditionKinds.Mask, "a mask");
        int pixels = Dimensions[1] * Dimensions[2];
        Internals.Arguments.RequireRoom(image.Length, Dimensions[0] - 1, pixels, "image");
        Internals.Arguments.RequireRoom(isVisible.Length, 1, pixels, "isVisible");
        var values = new float[Size];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = !isVisible[i % pixels] ? 0 : i < image.Length ? image[i] : 1;
        }

        return Condition.Of(values);
    }

    /// <summary>The condition in words, with its size.</summary>
    internal string Describe() => Kind == ConditionKinds.Label
        ? $"a class, one of {string.Join(", ", Classes.Take(20))}{(Classes.Count > 20 ? ", ..." : "")}"
        : $"a {Kind} of {string.Join(" x ", Dimensions)} values";

    private int IndexOf(string name)
    {
        Require(ConditionKinds.Label, "a class");
        int index = Classes.ToList().IndexOf(name);
        return index >= 0 ? index : throw new ArgumentException($"There is no class '{name}'; known are {string.Join(", ", Classes)}.", nameof(name));
    }

    private void Require(string kind, string described)
    {
        if (Kind != kind)
        {
            throw new ArgumentException($"The model is conditional on {Describe()}, not on {described}.");
        }
    }
}
