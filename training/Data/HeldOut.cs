namespace OnnxVae.Training.Data;

/// <summary>A part of a source that is held out, always the same one for a key, and the rest.</summary>
internal sealed class HeldOut
{
    private readonly ImageSource source;
    private readonly long heldCount;
    private readonly Func<long, long> at; // those that are held out, then the others

    /// <param name="source">The examples.</param>
    /// <param name="count">How many are held out; of groups, whole ones until there are at least as many, but not all groups.</param>
    /// <param name="key">Which ones.</param>
    public HeldOut(ImageSource source, long count, ulong key)
    {
        this.source = source;
        if (Groups(source) is not { Count: > 1 } groups)
        {
            var order = new Permutation(source.Count, key, 0);
            (heldCount, at) = (count, i => order[i]);
            return;
        }

        var orderOfGroups = new Permutation(groups.Count, key, 0);
        List<long>[] ordered = [.. Enumerable.Range(0, groups.Count).Select(i => groups[(int)orderOfGroups[i]])];
        int taken = 0;
        for (long held = 0; held < count && taken < ordered.Length - 1; taken++)
        {
            held += ordered[taken].Count;
        }

        long[] indices = [.. ordered.Take(taken).SelectMany(group => group), .. ordered.Skip(taken).SelectMany(group => group).Order()];
        (heldCount, at) = (ordered.Take(taken).Sum(group => group.Count), i => indices[i]);
    }

    /// <summary>Those that are held out.</summary>
    public ImageSource Held => new SelectedImages(source, heldCount, i => (source, at(i)));

    /// <summary>The others.</summary>
    public ImageSource Rest => new SelectedImages(source, source.Count - heldCount, i => (source, at(heldCount + i)));

    /// <summary>The number in the source of one that is held out.</summary>
    public long PositionOfHeld(long index) => at(index);

    /// <summary>The number in the source of one of the others.</summary>
    public long PositionOfRest(long index) => at(heldCount + index);

    private static List<List<long>>? Groups(ImageSource source)
    {
        if (!source.IsGrouped)
        {
            return null;
        }

        var groups = new Dictionary<long, List<long>>();
        for (long i = 0; i < source.Count; i++)
        {
            if (!groups.TryGetValue(source.GroupOf(i), out var group))
            {
                groups.Add(source.GroupOf(i), group = []);
            }

            group.Add(i);
        }

        return [.. groups.Values];
    }
}
