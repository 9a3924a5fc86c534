using Microsoft.AspNetCore.Http;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs.Serve;

/// <summary>The page's requests to a colorizer. Pictures are PNG files as data URLs.</summary>
/// <param name="colorizer">The colorizer.</param>
/// <param name="name">Its name on the page.</param>
internal sealed class ColorizerApi(Colorizer colorizer, string name)
{
    private const int Ways = 6;

    private readonly ModelMetadata shape = colorizer.Metadata;

    /// <summary>Describes the model.</summary>
    public ModelAnswer Model() => new(name, colorizer.Grid.Codes, shape.Height, shape.Width, shape.Objective);

    /// <summary>Colors an image in several ways.</summary>
    /// <param name="request">Its body is the image file.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="seed">Random seed of the first way.</param>
    public async Task<ColoredAnswer> ColorizeAsync(HttpRequest request, string file, ulong seed)
    {
        using var content = new MemoryStream();
        await request.Body.CopyToAsync(content);
        byte[] pixels = ImageFiles.Decode(file, content.ToArray(), shape.Channels, shape.Height, shape.Width);
        var image = new float[pixels.Length];
        Pixels.ToFloat(pixels, image);
        float[] grey = Colorizer.Luminance(image, colorizer.GreySize);
        var ways = Enumerable.Range(0, Ways).Select(way => colorizer.Colorize(grey, seed + (ulong)way)).ToArray();
        return new ColoredAnswer(Picture([.. grey, .. grey, .. grey]), Picture(SegmentPicture.Of(ways[0].Segments, colorizer)), [.. ways.Select(way => Picture(way.Images))]);
    }

    private string Picture(float[] image) => PictureUrl.Of(OutputImages.ToBytes(image), shape);

    public sealed record ModelAnswer(string Name, int Segments, int Height, int Width, string Objective);

    public sealed record ColoredAnswer(string Grey, string Segments, string[] Colored);
}
