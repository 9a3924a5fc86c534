using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Jobs;

/// <summary>Data for a model that says what images it takes.</summary>
internal static class ModelData
{
    /// <summary>Preparation of image files for a model that says what images it takes.</summary>
    public static ImageOptions ImagesLike(int channels, int height, int width, bool skipCorrupt) =>
        new(height == width ? height : null, channels, skipCorrupt);

    /// <summary>The density of rounded latents beside an encoder or decoder.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string RequireDensity(string folder)
    {
        string file = Path.Combine(folder, "density.onnx");
        return File.Exists(file) ? file : throw new FileNotFoundException($"There is no '{file}': only runs with --rounded export one, and only their latents can be coded.");
    }

    /// <summary>Refuses the number of an image that is not there.</summary>
    public static void RequireImage(ImageSource images, long number, string option)
    {
        if (number >= images.Count)
        {
            throw new UsageException($"{option} is {number}; the images of this split are 0 to {images.Count - 1}.");
        }
    }

    /// <summary>Opens a data set for an exported model.</summary>
    public static ImageData Open(string source, ModelMetadata model, bool skipCorrupt)
    {
        var data = ImageData.Open(source, ImagesLike(model.Channels, model.Height, model.Width, skipCorrupt));
        var images = data.All;
        return (images.Channels, images.Height, images.Width) == (model.Channels, model.Height, model.Width) ? data : throw new InvalidDataException(
            $"The images are {images.Channels} x {images.Height} x {images.Width} (channels, height, width), but the {model.Kind} takes {model.Channels} x {model.Height} x {model.Width}.");
    }
}
