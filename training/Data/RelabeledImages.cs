namespace OnnxVae.Training.Data;

/// <summary>Images whose labels are positions in the classes of a model, whatever their own order.</summary>
internal sealed class RelabeledImages : DelegatingImageSource
{
    private readonly int[] positions;

    private RelabeledImages(ImageSource source, IReadOnlyList<string> classes, int[] positions)
        : base(source) => (Classes, this.positions) = (classes, positions);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    /// <summary>Images with the labels that a model knows.</summary>
    /// <param name="source">The images.</param>
    /// <param name="classes">The model's classes.</param>
    /// <exception cref="InvalidDataException">The images have a class that the model does not know.</exception>
    public static ImageSource For(ImageSource source, IReadOnlyList<string> classes) =>
        source.Classes.SequenceEqual(classes) ? source : new RelabeledImages(source, classes, PositionsOf(source, classes));

    /// <summary>The position of each class of images among those of a model.</summary>
    /// <inheritdoc cref="For"/>
    public static int[] PositionsOf(ImageSource source, IReadOnlyList<string> classes)
    {
        ImageRequirements.RequireLabels(source);
        var known = classes.ToList();
        int[] positions = [.. source.Classes.Select(name => known.IndexOf(name))];
        return Array.IndexOf(positions, -1) is var unknown and >= 0
            ? throw new InvalidDataException($"The images have a class '{source.Classes[unknown]}', which the model was not trained on; it knows {string.Join(", ", classes)}.")
            : positions;
    }

    /// <inheritdoc/>
    public override int LabelOf(long index) => positions[base.LabelOf(index)];
}
