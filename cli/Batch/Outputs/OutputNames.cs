using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Names output files after the images that they were made from.</summary>
internal sealed class OutputNames
{
    private readonly string[] names;
    private readonly string[] files;

    private OutputNames(string[] names, string[] files) => (this.names, this.files) = (names, files);

    /// <summary>Derives names from those of a source.</summary>
    /// <param name="source">The images.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="format">The codec of the files.</param>
    /// <returns>The names; null if the images are only numbered.</returns>
    public static OutputNames? Of(ImageSource source, long count, ImageFormat format)
    {
        string[] names = [.. Enumerable.Range(0, (int)Math.Min(count, Array.MaxLength)).Select(k => source.NameOf(k))];
        if (!names.Any(name => name.Any(character => !char.IsAsciiDigit(character))))
        {
            return null;
        }

        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return new OutputNames(names, [.. names.Select((name, k) =>
        {
            string path = Inside(name), ending = $".{format.Name}";
            string[] choices = [Path.ChangeExtension(path, ending), path + ending, $"{path}.{k}{ending}"];
            return choices.First(taken.Add);
        })]);
    }

    /// <summary>The name of the image.</summary>
    public string this[long number] => names[number];

    /// <summary>Its file, relative to the output folder.</summary>
    public string FileOf(long number) => files[number];

    // Archives may contain any names, including ones that lead out of a folder.
    private static string Inside(string name) => string.Join('/', name.Split('/', '\\')
        .Where(part => part is not ("" or "." or ".."))
        .Select(part => string.Concat(part.Select(character => char.IsControl(character) || character == ':' ? '_' : character))));
}
