namespace OnnxVae.Exporters.Graph;

/// <summary>Turns "which entry each place takes" into "which places took each entry".</summary>
internal static class InverseIndex
{
    /// <summary>How many places take the entry that is taken most.</summary>
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
    /// <param name="name">What a place is called in the result.</param>
    /// <param name="none">What stands in the result where an entry was taken fewer times than others.</param>
    /// <returns>For each entry a place, and another one, as often as the entry that is taken most.</returns>
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
