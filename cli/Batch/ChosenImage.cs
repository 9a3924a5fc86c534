using System.Globalization;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Batch;

/// <summary>An image selected by an option: by its number or its name in the data, or as a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pixels">Float32 [C, ...], values in [0, 1] or in the data's units.</param>
internal sealed record ChosenImage(string Name, float[] Pixels)
{
    /// <summary>Finds the image.</summary>
    /// <param name="option">The option's name.</param>
    /// <param name="text">The option's value.</param>
    /// <param name="images">The data; null if none are given.</param>
    /// <param name="model">The model that will take it.</param>
    /// <exception cref="UsageException">There is no such image.</exception>
    public static ChosenImage Find(string option, string text, ImageSource? images, ModelMetadata model)
    {
        if (images is not null && IndexOf(option, text, images) is { } index)
        {
            return new ChosenImage(images.NameOf(index), ReconstructionGrid.ReadImages(images, index, 1));
        }

        if (!File.Exists(text))
        {
            throw new UsageException($"{option} is '{text}'; expected {(images is null ? "an image file, or with --data the number or the name of an image in them" : $"the number of an image of this --split, 0 to {images.Count - 1}, its name, or an image file")}.");
        }

        PicturesOnly.Require(model, $"{option} is '{text}', a file", "give --data, and the number of one of them");

        byte[] pixels = ImageFiles.Decode(text, RegularFile.Read(text), model.Channels, model.Height, model.Width);
        var values = new float[pixels.Length];
        Inference.Pixels.ToFloat(pixels, values);
        return new ChosenImage(text, values);
    }

    // Names may be given without their leading folders.
    private static long? IndexOf(string option, string text, ImageSource images)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            return number < images.Count ? number : throw new UsageException($"{option} is {number}; the images of this split are 0 to {images.Count - 1}.");
        }

        var called = new List<long>();
        for (long i = 0; i < images.Count; i++)
        {
            string name = images.NameOf(i);
            if (name == text)
            {
                return i;
            }

            if (name.EndsWith($"/{text}", StringComparison.Ordinal))
            {
                called.Add(i);
            }
        }

        return called.Count switch
        {
            0 => null,
            1 => called[0],
            _ => throw new UsageException($"{option} is '{text}', and {called.Count} images have that name: give the folder too, as in '{images.NameOf(called[0])}'."),
        };
    }
}
