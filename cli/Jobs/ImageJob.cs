using System.CommandLine;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Jobs;

/// <summary>
/// What the verbs that work on any number of images have in common: <c>generate</c>, <c>encode</c>, <c>reconstruct</c>. Blocks of images
/// are worked on by a thread each, so that neither batch size nor threads nor shards change a byte.
/// </summary>
internal sealed class ImageJob
{
    private readonly Option<string> output;
    private readonly Option<string> shard = new("--shard")
    {
        Description = "Only part I of N, as I/N with I from 0; the parts need no merging.",
        DefaultValueFactory = _ => "0/1",
    };

    private readonly Option<int?> batch = VerbOptions.AtLeast(1, new Option<int?>("--batch")
    {
        Description = "At most so many images at work at a time, in blocks that fit the model; a block per thread, if left out. Results do not depend on it.",
    });

    private readonly Option<string> format = new("--format")
    {
        Description = $"Of image files: {string.Join(", ", ImageFormat.Names)}.",
        DefaultValueFactory = _ => ImageFormat.Names[0],
    };

    private readonly Option<int> quality = VerbOptions.AtLeast(1, new Option<int>("--quality")
    {
        Description = "1 to 100, for jpeg and webp.",
        DefaultValueFactory = _ => ImageFormat.DefaultQuality,
    });

    private readonly Option<string> device = VerbOptions.Device();
    private readonly Option<int> threads = VerbOptions.Threads();

    private readonly bool writesImages;

    /// <param name="writesImages">Whether it writes images; otherwise latents.</param>
    public ImageJob(bool writesImages)
    {
        this.writesImages = writesImages;
        output = new Option<string>("--out") { Description = writesImages ? ImageOutputs : LatentOutputs, Required = true };
        output.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
            {
                result.AddError("--out is empty; name a file or a folder.");
            }
        });
        VerbOptions.Among(ImageFormat.Names, format);
        VerbOptions.AtMost(100, quality);
    }

    private const string LatentOutputs =
        "A .npy of Float32, with the images' names in FILE.names.txt, or a .parquet with both; each shard has a file of its own, FILE-I-of-N.npy.";

    private const string ImageOutputs = "A folder for image files, a .tar for numbered archives in the layout of WebDataset, a .npy, or for one image a .png, .jpg or .webp; each shard has a .npy of its own, FILE-I-of-N.npy.";

    /// <summary>Adds the options to a verb.</summary>
    /// <param name="command">The verb.</param>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[output, shard, batch, .. writesImages ? (Option[])[format, quality] : [], device, threads])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Where it writes.</summary>
    /// <exception cref="UsageException">What it writes does not go there.</exception>
    public JobPaths Paths(ParseResult result) => new JobPaths(result.GetValue(output)!, Shard.Parse(result.GetValue(shard)!)) switch
    {
        { Extension: JobPaths.ParquetExtension } paths when writesImages => throw new UsageException($"--out is '{paths.Output}'; images go to a folder, a .npy or a .tar, and one image to a picture."),
        { IsPicture: true } paths when writesImages && !PictureFile.IsWritable(paths.Output) => throw new UsageException(
            $"--out is '{paths.Output}'; pictures are written as .png, .jpg or .webp."),
        { IsArray: false } paths when !writesImages => throw new UsageException($"--out is '{paths.Output}'; latents go to a .npy or a .parquet."),
        var paths => paths,
    };

    /// <summary>What the images of a model's shape are written as.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="total">How many images all shards have.</param>
    /// <param name="source">What they are made from; null where they are made from nothing that has a name.</param>
    /// <exception cref="UsageException">There are several images for one picture.</exception>
    public OutputImages Images(ParseResult result, ModelMetadata model, long total, ImageSource? source = null)
    {
        var paths = Paths(result);
        if (paths.IsPicture && total != 1)
        {
            throw new UsageException($"--out is '{paths.Output}', one picture, but there are {total} images: give a folder, a .npy or a .tar, or --count 1; --grid draws several into one picture.");
        }

        var codec = Format(result, paths);
        return new OutputImages(
            model.Channels, model.Height, model.Width, paths.Shard.RangeOf(total, paths.Unit), total, codec, source is null ? null : OutputNames.Of(source, total, codec));
    }

    // That of the ending, for a picture.
    private ImageFormat Format(ParseResult result, JobPaths paths)
    {
        string? ofEnding = paths.IsPicture ? ImageFormat.NameOfEnding(paths.Extension) : null;
        return ofEnding is not null && result.GetResult(format) is { Implicit: false } && result.GetValue(format) != ofEnding
            ? throw new UsageException($"--format is {result.GetValue(format)}, but --out is '{paths.Output}': leave one of them out.")
            : new ImageFormat(ofEnding ?? result.GetValue(format)!, result.GetValue(quality));
    }

    /// <summary>How a model runs: a thread per block, and as many blocks as threads, or as the batch allows.</summary>
    public VaeOptions Options(ParseResult result) =>
        new(OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads), ThreadsPerRun: 1, ImagesAtWork: result.GetValue(batch));

    /// <summary>What a job is asked for, for its record.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="verb">The verb.</param>
    /// <param name="files">The models, by what they are.</param>
    public JsonObject Describe(ParseResult result, string verb, IEnumerable<(string Name, string File)> files)
    {
        var asked = new JsonObject { ["verb"] = verb, ["device"] = result.GetValue(device) };
        foreach (var (name, file) in files)
        {
            asked[name] = JobRecord.Fingerprint(file);
        }

        if (writesImages && Paths(result).Extension != JobPaths.NpyExtension)
        {
            var codec = Format(result, Paths(result));
            asked["format"] = codec.Name;
            if (codec.IsLossy)
            {
                asked["quality"] = codec.Quality;
            }
        }

        return asked;
    }

    /// <summary>Says what was done.</summary>
    public static void Report(string what, long images, JobPaths paths, CorruptImages? corrupt = null)
    {
        corrupt?.Finish();
        long done = images - (corrupt?.CountNow ?? 0);
        Console.WriteLine(images == 0 ? $"Nothing was left to do: {paths.Target}" : $"{what} {done} {(done == 1 ? "image" : "images")}: {paths.Target}");
        if (corrupt is { Count: > 0 })
        {
            Console.WriteLine($"{corrupt.Count} images were left out, because they cannot be read; they are listed in {paths.Corrupt}");
        }
    }

    /// <summary>Works through the images that are missing.</summary>
    /// <param name="title">What is being done.</param>
    /// <param name="missing">The images.</param>
    /// <param name="stream">Makes a stream of steps, each to be taken in its turn, for some of them.</param>
    /// <param name="finish">Comes last.</param>
    /// <param name="cancellation">Stops the job; what is done stays done.</param>
    /// <returns>How many images were missing.</returns>
    public static async Task<long> RunAsync(
        string title, IReadOnlyList<ImageRange> missing, Func<ImageRange, IAsyncEnumerable<JobStep>> stream, Action finish, CancellationToken cancellation)
    {
        long total = missing.Sum(range => range.Count), done = 0;
        return await ProgressDisplay.RunAsync(title, async report =>
        {
            foreach (var range in missing)
            {
                await foreach (var step in stream(range).WithCancellation(cancellation))
                {
                    step.Run();
                    report(done += step.Images, total);
                }
            }

            finish();
            return total;
        });
    }
}
