namespace OnnxVae.Training.Data;

/// <summary>Images of other sources, all of one shape, renumbered.</summary>
/// <param name="like">A source with the images' shape and classes.</param>
/// <param name="count">The number of images.</param>
/// <param name="find">Maps an image number to its source and its number there.</param>
/// <param name="isNumberedAnew">Whether images that have only a number for a name are called by their new one.</param>
internal sealed class SelectedImages(ImageSource like, long count, Func<long, (ImageSource Source, long Index)> find, bool isNumberedAnew = false) : DelegatingImageSource(like)
{
    /// <summary>Some images of a source.</summary>
    public SelectedImages(ImageSource source, long[] indices)
        : this(source, indices.Length, i => (source, indices[i]))
    {
    }

    /// <inheritdoc/>
    public override long Count => count;

    /// <summary>The images of several sources, concatenated.</summary>
    public static ImageSource Joined(params IReadOnlyList<ImageSource> sources) =>
        new SelectedImages(sources[0], sources.Sum(source => source.Count), i =>
        {
            int part = 0;
            for (; i >= sources[part].Count; part++)
            {
                i -= sources[part].Count;
            }

            return (sources[part], i);
        }, isNumberedAnew: true);

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        var (source, original) = find(index);
        source.Read(original, pixels);
    }

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values)
    {
        var (source, original) = find(index);
        source.ReadValues(original, values);
    }

    /// <inheritdoc/>
    public override long GroupOf(long index)
    {
        var (source, original) = find(index);
        return source.GroupOf(original);
    }

    /// <inheritdoc/>
    public override void ReadSegments(long index, Span<byte> segments)
    {
        var (source, original) = find(index);
        source.ReadSegments(original, segments);
    }

    /// <inheritdoc/>
    public override double? ConditionalEntropyOf(long index)
    {
        var (source, original) = find(index);
        return source.ConditionalEntropyOf(original);
    }

    /// <inheritdoc/>
    public override int LabelOf(long index)
    {
        var (source, original) = find(index);
        return source.LabelOf(original);
    }

    /// <inheritdoc/>
    public override void ReadCondition(long index, Span<float> condition)
    {
        var (source, original) = find(index);
        source.ReadCondition(original, condition);
    }

    /// <inheritdoc/>
    public override string NameOf(long index)
    {
        var (source, original) = find(index);
        string name = source.NameOf(original);
        return isNumberedAnew && !source.HasNames && name.All(char.IsAsciiDigit) ? $"{index}" : name;
    }
}
