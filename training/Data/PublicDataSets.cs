namespace OnnxVae.Training.Data;

/// <summary>
/// Data sets that are known by their names. They are fetched from their public homes when they are first used, with published checksums, and kept in a folder of the
/// user's: that of the variable <c>ONNXVAE_CACHE</c>, or <c>onnxvae</c> in the system's folder for caches.
/// </summary>
public static class PublicDataSets
{
    private const string CacheVariable = "ONNXVAE_CACHE", Product = "onnxvae";

    private static readonly PublicDataSet[] All =
    [
        new("mnist", new Uri("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        [
            new("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            new("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            new("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            new("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ]),
        new("fashion-mnist", new Uri("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
        [
            new("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            new("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            new("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            new("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ])
        {
            Classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
        },
        new("kmnist", new Uri("https://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
        [
            new("train-images-idx3-ubyte.gz", 18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
            new("train-labels-idx1-ubyte.gz", 29_497, "e144d726b3acfaa3e44228e80efcd344"),
            new("t10k-images-idx3-ubyte.gz", 3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
            new("t10k-labels-idx1-ubyte.gz", 5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
        ])
        {
            Classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        },
        new("cifar10", new Uri("https://www.cs.toronto.edu/~kriz/"), [new(CifarImages.Archive, 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530")]),
    ];

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(set => set.Name)];

    /// <summary>The folder that they are kept in, each in a folder of its name.</summary>
    public static string Cache => Environment.GetEnvironmentVariable(CacheVariable) is { Length: > 0 } folder ? Path.GetFullPath(folder) : Path.Combine(SystemCache, Product);

    /// <summary>Fetches what is missing of a data set.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="progress">Called with the number of bytes that are there and that of all.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>; what has arrived is kept.</param>
    /// <exception cref="ArgumentException">There is no such data set.</exception>
    /// <exception cref="IOException">It cannot be fetched, or not be stored.</exception>
    /// <exception cref="InvalidDataException">A file is not what was published.</exception>
    public static void Fetch(string name, Action<long, long>? progress = null, CancellationToken cancellation = default) =>
        (Find(name) ?? throw new ArgumentException($"There is no data set '{name}': give {string.Join(", ", Names)}.", nameof(name))).Fetch(Cache, progress, cancellation);

    /// <summary>Whether a name is that of a data set, and not of a file or folder that is there.</summary>
    /// <param name="name">The name.</param>
    public static bool IsOne(string name) => Find(name) is not null;

    /// <summary>Whether all files of a data set are there.</summary>
    /// <param name="name">Its name.</param>
    public static bool IsFetched(string name) => Find(name)?.IsIn(Cache) == true;

    /// <summary>The data set of a name; null if there is none, or a file or folder of that name.</summary>
    internal static PublicDataSet? Find(string name) => Path.Exists(name) ? null : Array.Find(All, set => set.Name == name);

    private static string SystemCache =>
        OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
        : OperatingSystem.IsMacOS() ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "Library", "Caches")
        : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
