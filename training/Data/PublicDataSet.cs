using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>A file of a data set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Md5">Its published checksum, in hexadecimal digits.</param>
internal sealed record PublicFile(string Name, long Length, string Md5);

/// <summary>A data set that is known by its name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Home">Where its files are.</param>
/// <param name="Files">Its files.</param>
internal sealed record PublicDataSet(string Name, Uri Home, IReadOnlyList<PublicFile> Files)
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    /// <summary>How long nothing may arrive before a connection counts as broken.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The names of its classes, in the order of their labels; empty if the files tell them.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Whether all files are there.</summary>
    /// <param name="cache">The folder of all data sets.</param>
    public bool IsIn(string cache) => Files.All(file => File.Exists(Path.Combine(cache, Name, file.Name)));

    /// <summary>Fetches what is missing. Other processes that want it at the same time wait.</summary>
    /// <param name="cache">The folder of all data sets.</param>
    /// <param name="progress">Called with the number of bytes that are there and that of all.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public void Fetch(string cache, Action<long, long>? progress, CancellationToken cancellation)
    {
        string folder = Path.Combine(cache, Name);
        if (IsIn(cache))
        {
            return;
        }

        Directory.CreateDirectory(folder);
        FileLock? turn;
        while ((turn = FileLock.TryTake($"{folder}.lock")) is null)
        {
            cancellation.ThrowIfCancellationRequested();
            Thread.Sleep(Moment);
        }

        using (turn)
        {
            long before = 0, all = Files.Sum(file => file.Length);
            foreach (var file in Files)
            {
                string target = Path.Combine(folder, file.Name);
                if (!File.Exists(target))
                {
                    Fetch(file, target, done => progress?.Invoke(before + done, all), cancellation);
                }

                before += file.Length;
            }
        }
    }

    /// <summary>Opens the data set.</summary>
    /// <param name="cache">The folder of all data sets.</param>
    public ImageData Open(string cache)
    {
        string folder = Path.Combine(cache, Name);
        var data = Files is [{ Name: CifarImages.Archive }] ? CifarImages.Open(Path.Combine(folder, CifarImages.Archive)) : IdxImages.OpenFolder(folder);
        return Classes.Count == 0 ? data : data.Map(images => new NamedClasses(images, Classes));
    }

    private void Fetch(PublicFile file, string target, Action<long> progress, CancellationToken cancellation)
    {
        try
        {
            new Download(new Uri(Home, file.Name), target, $"{Path.GetDirectoryName(target)}.{file.Name}.partial", file.Md5, Patience).Fetch(progress, cancellation);
        }
        catch (HttpRequestException e)
        {
            throw new IOException(
                $"'{Name}' cannot be fetched from {Home}: {e.Message.TrimEnd('.')}. Try again, which goes on where it stopped; or put {string.Join(", ", Files.Select(each => each.Name))} into '{Path.GetDirectoryName(target)}'.", e);
        }
    }

    private sealed class NamedClasses(ImageSource source, IReadOnlyList<string> classes) : DelegatingImageSource(source)
    {
        /// <inheritdoc/>
        public override IReadOnlyList<string> Classes => classes;
    }
}
