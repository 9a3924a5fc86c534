using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>A trained colorizer: grayscale images to images in color, several ways each, and their latent segmentation. Safe to use from several threads.</summary>
/// <example><code>
/// using var colorizer = Colorizer.Load("runs/scenes/export/colorizer.onnx");
/// var (images, segments) = colorizer.Colorize(grey, seed: 1);
/// </code></example>
public sealed class Colorizer : IDisposable
{
    private const uint UniformStream = 0x636F, NormalStream = 0x6370;

    private readonly VaeSession session;

    private Colorizer(VaeSession session) => this.session = session;

    /// <summary>The file's metadata; its image shape is that of the images in color.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>The grid of segments.</summary>
    public CodeGrid Grid => Metadata.CodeGrids[0];

    /// <summary>H W, the number of values in a grayscale image.</summary>
    public int GreySize => Metadata.Height * Metadata.Width;

    /// <summary>Loads <c>colorizer.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not a colorizer.</exception>
    public static Colorizer Load(string path, VaeOptions? options = null) => new(VaeSession.Load(path, ExportedKinds.Colorizer, options));

    /// <summary>Loads a colorizer from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static Colorizer Load(byte[] model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Colorizer, options));

    /// <summary>Colors grayscale images: segments are drawn from P(z|x), colors from P(y|z,x). Image k depends on the seed and on k alone.</summary>
    /// <param name="grey">Luminance, Float32 [N, 1, H, W], values in [0, 1].</param>
    /// <param name="seed">Random seed; another one colors the same images in another way.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="withNoise">Whether colors are drawn; otherwise each pixel has the mean color of its segment.</param>
    /// <returns>Float32 [N, 3, H, W], values in [0, 1], and the segments, Int32 [N, h, w].</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside [0, 1].</exception>
    public (float[] Images, int[] Segments) Colorize(ReadOnlySpan<float> grey, ulong seed, long first = 0, bool withNoise = false)
    {
        int count = Arguments.RequireRows(grey.Length, GreySize, "grey", $"images of 1 x {Metadata.Height} x {Metadata.Width} = {GreySize}");
        Arguments.RequireValues(grey, Metadata, GreySize);
        float[] u = new float[count * Grid.Positions], eps = new float[count * 2 * GreySize];
        for (int i = 0; i < count; i++)
        {
            Philox.FillUniform(u.AsSpan(i * Grid.Positions, Grid.Positions), seed, UniformStream, (ulong)(first + i));
            if (withNoise)
            {
                Philox.FillStandardNormal(eps.AsSpan(i * 2 * GreySize, 2 * GreySize), seed, NormalStream, (ulong)(first + i));
            }
        }

        float[] images = new float[count * Metadata.ImageSize], segments = new float[u.Length];
        session.Run(new Dictionary<string, float[]> { ["grey"] = grey.ToArray(), ["u"] = u, ["eps"] = eps }, count, ("image", images), ("segments", segments));
        return (images, [.. segments.Select(segment => (int)segment)]);
    }

    /// <summary>The probabilities of segments: P(z|x).</summary>
    /// <param name="grey">Luminance, Float32 [N, 1, H, W], values in [0, 1].</param>
    /// <returns>Float32 [N, K, h, w].</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside [0, 1].</exception>
    public float[] Segment(ReadOnlySpan<float> grey)
    {
        int count = Arguments.RequireRows(grey.Length, GreySize, "grey", $"images of 1 x {Metadata.Height} x {Metadata.Width} = {GreySize}");
        Arguments.RequireValues(grey, Metadata, GreySize);
        var probabilities = new float[count * Grid.Codes * Grid.Positions];
        session.Run(
            new Dictionary<string, float[]> { ["grey"] = grey.ToArray(), ["u"] = new float[count * Grid.Positions], ["eps"] = new float[count * 2 * GreySize] },
            count, ("probabilities", probabilities));
        return probabilities;
    }

    /// <summary>The luminance of images in color: 0.299 R + 0.587 G + 0.114 B.</summary>
    /// <param name="images">Float32 [N, 3, H, W].</param>
    /// <param name="plane">H W.</param>
    /// <returns>Float32 [N, 1, H, W].</returns>
    public static float[] Luminance(ReadOnlySpan<float> images, int plane)
    {
        int count = Arguments.RequireRows(images.Length, 3 * plane, "images", $"images of 3 x {plane}");
        var grey = new float[count * plane];
        for (int i = 0; i < grey.Length; i++)
        {
            var (row, pixel) = Math.DivRem(i, plane);
            int at = (3 * row * plane) + pixel;
            grey[i] = (LumaChroma.Red * images[at]) + (LumaChroma.Green * images[at + plane]) + (LumaChroma.Blue * images[at + (2 * plane)]);
        }

        return grey;
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
