using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Jobs;

/// <summary>Data for a model that says what images it takes.</summary>
internal static class ModelData
{
    /// <summary>Preparation of image files for a model that says what images it takes.</summary>
    public static ImageOptions ImagesLike(int channels, int height, int width, bool skipCorrupt) =>
        new(height == width ? height : null, channels, skipCorrupt);

    /// <summary>Opens a data set for an exported model.</summary>
    public static ImageData Open(string source, ModelMetadata model, bool skipCorrupt)
    {
        var data = ImageData.Open(source, ImagesLike(model.Channels, model.Height, model.Width, skipCorrupt));
        var images = data.All;
        return (images.Channels, images.Height, images.Width) == (model.Channels, model.Height, model.Width) ? data : throw new InvalidDataException(
            $"The images are {images.Channels} x {images.Height} x {images.Width} (channels, height, width), but the {model.Kind} takes {model.Channels} x {model.Height} x {model.Width}.");
    }
}
