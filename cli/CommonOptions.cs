using System.CommandLine;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli;

/// <summary>Options that several verbs share.</summary>
internal static class CommonOptions
{
    public static Option<string> Device() => new("--device")
    {
        Description = "An execution provider: cpu, cuda, cuda:1, or another one that the loaded ONNX Runtime has.",
        DefaultValueFactory = _ => "cpu",
    };

    public static Option<int> Threads() => AtLeast(0, new Option<int>("--threads")
    {
        Description = "Threads of the processor; 0 for one per logical processor.",
        DefaultValueFactory = _ => 0,
    });

    public static Option<ulong> Seed() => new("--seed") { Description = "Chooses everything random.", DefaultValueFactory = _ => 1 };

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON object." };

    public static Option<int?> ImageSize() => AtLeast(1, new Option<int?>("--image-size")
    {
        Description = "Side of the square to which image files are scaled and cropped; as they are, if left out.",
    });

    public static Option<int?> Channels()
    {
        var option = new Option<int?>("--channels") { Description = "1 for grey, 3 for colour; colour where any image has it, if left out." };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is not (null or 1 or 3))
            {
                result.AddError($"--channels is {result.GetValueOrDefault<int?>()}; give 1 for grey or 3 for colour.");
            }
        });
        return option;
    }

    public static Option<bool> SkipCorrupt() => new("--skip-corrupt") { Description = "Leave out image files that cannot be read." };

    public static Option<int> ImportanceSamples() => AtLeast(0, new Option<int>("--importance-samples")
    {
        Description = "Samples per image behind negativeLogLikelihood; 0 to leave it out.",
        DefaultValueFactory = _ => 10,
    });

    /// <summary>Refuses smaller numbers.</summary>
    public static TOption AtLeast<TOption>(int smallest, TOption option) where TOption : Option
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out double number) && !(number >= smallest && double.IsFinite(number)))
            {
                result.AddError($"{option.Name} is {text}; it must be at least {smallest}.");
            }
        });
        return option;
    }

    /// <summary>Refuses zero, negative numbers and what is no number.</summary>
    public static Option<double> Positive(Option<double> option)
    {
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is var number && !(number > 0 && double.IsFinite(number)))
            {
                result.AddError($"{option.Name} is {number}; it must be a positive number.");
            }
        });
        return option;
    }

    /// <summary>Where results go; refuses a folder that already holds something.</summary>
    public static void RequireNewFolder(string folder, string advice)
    {
        if (File.Exists(folder))
        {
            throw new IOException($"'{folder}' is a file; --out must name a folder.");
        }

        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new IOException($"The folder '{folder}' exists and is not empty: {advice}");
        }

        Directory.CreateDirectory(folder);
    }

    /// <summary>Preparation of image files for a model that says what images it takes.</summary>
    public static ImageOptions ImagesLike(int channels, int height, int width, bool skipCorrupt) =>
        new(height == width ? height : null, channels, skipCorrupt);

    /// <summary>Opens a data set for an exported model.</summary>
    public static ImageData OpenDataFor(string source, ModelMetadata model, bool skipCorrupt)
    {
        var data = ImageData.Open(source, ImagesLike(model.Channels, model.Height, model.Width, skipCorrupt));
        var images = data.All;
        return (images.Channels, images.Height, images.Width) == (model.Channels, model.Height, model.Width) ? data : throw new InvalidDataException(
            $"The images are {images.Channels} x {images.Height} x {images.Width} (channels, height, width), but the {model.Kind} takes {model.Channels} x {model.Height} x {model.Width}.");
    }
}
