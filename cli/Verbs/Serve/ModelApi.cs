using Microsoft.AspNetCore.Http;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Serve;

/// <summary>The page's requests to a model. Pictures are PNG files as data URLs; a model that is conditional on a class is given one by each request.</summary>
/// <param name="vae">The model.</param>
/// <param name="name">Its name on the page.</param>
/// <param name="constant">What it is given by all requests that name no class; null for nothing.</param>
internal sealed class ModelApi(TrainedVae vae, string name, Condition? constant)
{
    private const int LargestCount = 256;

    private readonly ModelMetadata shape = vae.Decoder.Metadata;
    private readonly TrainedVae model = constant is null ? vae : vae.Given(constant);

    /// <summary>Describes the model.</summary>
    public ModelAnswer Model() => new(name, shape.LatentSize, shape.Channels, shape.Height, shape.Width, shape.Objective, shape.HasCodes, shape.Condition?.Classes ?? []);

    /// <summary>Decodes latents to a picture.</summary>
    public PictureAnswer Decode(Point point, string? label = null) => new(Pictures(Given(label), point.Latents)[0]);

    /// <summary>Draws from the prior.</summary>
    /// <param name="seed">Random seed.</param>
    /// <param name="count">How many, up to 256.</param>
    /// <param name="label">The class.</param>
    public ImagesAnswer Samples(ulong seed, int count, string? label = null)
    {
        var z = new float[Math.Clamp(count, 1, LargestCount) * shape.LatentSize];
        vae.Prior.Draw(seed, first: 0, z, label is null ? constant : shape.Condition?.OfClass(label));
        return Images(Given(label), z);
    }

    /// <summary>Reconstructs an image.</summary>
    /// <param name="request">Its body is the image file.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <param name="label">The class.</param>
    public async Task<ReconstructionAnswer> ReconstructAsync(HttpRequest request, string file, string? label = null)
    {
        using var content = new MemoryStream();
        await request.Body.CopyToAsync(content);
        byte[] pixels = ImageFiles.Decode(file, content.ToArray(), shape.Channels, shape.Height, shape.Width);
        var model = Given(label);
        float[] mean = model.Encoder.Encode(pixels).Mean;
        return new ReconstructionAnswer(mean, Picture(pixels), Pictures(model, mean)[0]);
    }

    /// <summary>Interpolates between the latents of two images on an arc around the origin.</summary>
    public ImagesAnswer Interpolate(Ends ends, string? label = null) => shape.HasCodes
        ? throw new ArgumentException("Discrete codes cannot be interpolated.")
        : Images(Given(label), LatentPath.Spherical(ends.From, ends.To, Math.Clamp(ends.Steps, 2, LargestCount)));

    private TrainedVae Given(string? label) => label is null ? model : vae.GivenClass(label);

    private ImagesAnswer Images(TrainedVae model, float[] latents) => new([.. latents.Chunk(shape.LatentSize)], Pictures(model, latents));

    private string[] Pictures(TrainedVae model, float[] latents) => [.. OutputImages.ToBytes(model.Decoder.Decode(latents)).Chunk(shape.ImageSize).Select(Picture)];

    private string Picture(byte[] pixels) => PictureUrl.Of(pixels, shape);

    /// <param name="Latents">[L].</param>
    public sealed record Point(float[] Latents);

    public sealed record ModelAnswer(string Name, int Latents, int Channels, int Height, int Width, string Objective, bool HasCodes, IReadOnlyList<string> Classes);

    public sealed record PictureAnswer(string Picture);

    public sealed record ImagesAnswer(float[][] Latents, string[] Pictures);

    public sealed record ReconstructionAnswer(float[] Latents, string Original, string Reconstruction);

    public sealed record Ends(float[] From, float[] To, int Steps);
}
