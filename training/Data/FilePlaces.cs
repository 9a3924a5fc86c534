namespace OnnxVae.Training.Data;

/// <summary>What the folders of files say of them.</summary>
internal static class FilePlaces
{
    /// <summary>The place of each file in a data set: the outermost folder is the split if it is named like one; the next one is the class.</summary>
    /// <param name="names">The files' names, with slashes between folders.</param>
    public static IReadOnlyList<FilePlace> Of(IReadOnlyList<string> names)
    {
        var splits = SplitNames.Among(names.Select(name => name.Split('/')).Where(parts => parts.Length > 1).Select(parts => parts[0]));
        return [.. names.Select(name =>
        {
            string[] folders = name.Split('/')[..^1];
            SplitKind? split = folders.Length > 0 && splits.TryGetValue(folders[0], out var known) ? known : null;
            return new FilePlace(split, folders.ElementAtOrDefault(split is null ? 0 : 1) ?? "");
        })];
    }

    /// <summary>The files' names without the folders that all of them are in, unless one is a split: archives often hold one folder with everything in it, or start each name with "./".</summary>
    /// <param name="names">The files' names, with slashes between folders.</param>
    public static IReadOnlyList<string> WithoutCommonFolder(IReadOnlyList<string> names)
    {
        int slash = names.Count == 0 ? -1 : names[0].IndexOf('/', StringComparison.Ordinal);
        string folder = slash < 0 ? "" : names[0][..(slash + 1)];
        return slash < 0 || SplitNames.Among([names[0][..slash]]).Count > 0 || !names.All(name => name.StartsWith(folder, StringComparison.Ordinal))
            ? names
            : WithoutCommonFolder([.. names.Select(name => name[folder.Length..])]);
    }

    /// <summary>The names of the classes, if every file is in the folder of one and there are several; else none.</summary>
    public static IReadOnlyList<string> ClassesOf(IEnumerable<FilePlace> places)
    {
        string[] classes = [.. places.Select(place => place.Class).Distinct().Order(StringComparer.Ordinal)];
        return classes.Length > 1 && !classes.Contains("") ? classes : [];
    }
}

/// <summary>The place of a file in a data set.</summary>
/// <param name="Split">The split; null if no folder is named like one.</param>
/// <param name="Class">The folder of its class; empty for none.</param>
internal sealed record FilePlace(SplitKind? Split, string Class);
