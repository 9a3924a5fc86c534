namespace OnnxVae.Exporters.Graph;

/// <summary>Turns "which entry each place takes" into "which places took each entry".</summary>
internal static class InverseIndex
{
    /// <summary>How many places take the most frequently taken entry.</summary>
    public static long MostPlaces(ReadOnlySpan<long> taken, long entries)
    {
        var count = new int[entries];
        foreach (long entry in taken)
        {
            if (entry < entries)
            {
                count[entry]++;
            }
        }

        return count.DefaultIfEmpty(0).Max();
    }

    /// <summary>Inverts an index.</summary>
    /// <param name="taken">For each place the entry that it takes; entries from <paramref name="entries"/> on stand for none.</param>
    /// <param name="entries">Number of entries.</param>
    /// <param name="name">The number that stands for a place in the result.</param>
    /// <param name="none">Fills the result where an entry was taken fewer times than others.</param>
    /// <returns>For each entry the first place that takes it, then for each entry the second, up to the most frequently taken entry.</returns>
    public static IReadOnlyList<long[]> Of(ReadOnlySpan<long> taken, long entries, Func<int, long> name, long none)
    {
        var places = new List<long[]>();
        var count = new int[entries];
        for (int place = 0; place < taken.Length; place++)
        {
            if (taken[place] < entries)
            {
                int nth = count[taken[place]]++;
                if (nth == places.Count)
                {
                    places.Add([.. Enumerable.Repeat(none, (int)entries)]);
                }

                places[nth][taken[place]] = name(place);
            }
        }

        return places;
    }
}
