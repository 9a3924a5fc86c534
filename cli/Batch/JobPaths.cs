using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Batch;

/// <summary>Where a job writes, depending on the extension of <c>--out</c>: an array or a table (.npy, .parquet, .csv), numbered .tar files, one picture, or a folder.</summary>
/// <param name="Output">The value of <c>--out</c>.</param>
/// <param name="Shard">The part of the job.</param>
internal sealed record JobPaths(string Output, Shard Shard)
{
    public const string NpyExtension = ".npy";
    public const string ParquetExtension = ".parquet";
    public const string CsvExtension = ".csv";
    public const string TsvExtension = ".tsv";
    public const string TarExtension = ".tar";

    private const string FolderPrefix = "job";

    /// <summary>The extension in lower case.</summary>
    public string Extension => Path.GetExtension(Output).ToLowerInvariant();

    /// <summary>Whether the output is a file, one per shard.</summary>
    public bool IsArray => Extension is NpyExtension || IsTable;

    /// <summary>Whether the output is a table.</summary>
    public bool IsTable => Extension is ParquetExtension or CsvExtension or TsvExtension;

    /// <summary>Whether the output is a folder of images, shared by all shards.</summary>
    public bool IsFolder => !IsArray && !IsPicture && Extension != TarExtension;

    /// <summary>Whether the output is one picture.</summary>
    public bool IsPicture => PictureFile.IsNamedLikeOne(Output);

    /// <summary>Shards start at multiples of this number of images.</summary>
    public long Unit => Extension == TarExtension ? TarShards.ImagesPerFile : 1;

    /// <summary>The array of this shard.</summary>
    public string Array => Shard.NameOf(Output);

    /// <summary>The output, or its shard of it.</summary>
    public string Target => IsArray ? Array : Output;

    /// <summary>The output as reported to the user.</summary>
    public string Shown => Extension == TarExtension ? $"{Output[..^TarExtension.Length]}-000000{TarExtension}, ..." : Target;

    /// <summary>An existing file of the output: the array or its partial file, or the first archive; null for none, and for folders.</summary>
    public string? ExistingFile
    {
        get
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(Target))!;
            return this switch
            {
                { IsArray: true } => System.Array.Find([Target, $"{Target}.partial", $"{Target}.progress.json", $"{Target}.names.txt"], File.Exists),
                { IsFolder: false } when Directory.Exists(folder) =>
                    Directory.EnumerateFiles(folder, $"{Path.GetFileNameWithoutExtension(Output)}-??????{TarExtension}")
                        .Where(file => Path.GetFileNameWithoutExtension(file)[^6..].All(char.IsAsciiDigit)).Order(StringComparer.Ordinal).FirstOrDefault(),
                _ => null,
            };
        }
    }

    /// <summary>The record of what was requested; shards of one job share it, unless each has its own file.</summary>
    public string Record => IsFolder ? Path.Combine(Output, $"{FolderPrefix}.json") : $"{Target}.{FolderPrefix}.json";

    /// <summary>Locked while a process works on this shard.</summary>
    public string Lock => OfShard("lock");

    /// <summary>The list of images that could not be read.</summary>
    public string Corrupt => OfShard("corrupt.txt");

    private string OfShard(string extension) => IsFolder
        ? Path.Combine(Output, Shard.NameOf($"{FolderPrefix}.{extension}"))
        : $"{Shard.NameOf(Output)}.{extension}";
}
