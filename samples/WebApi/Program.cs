using OnnxVae.Inference;
using OnnxVae.Inference.DependencyInjection;
using OnnxVae.Inference.ImageSharp;
using OnnxVae.Inference.SkiaSharp;
using SixLabors.ImageSharp;
using SkiaSharp;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddTrainedVae(builder.Configuration["Model"] ?? "export");
var app = builder.Build();
app.Services.GetRequiredService<TrainedVae>(); // a missing model is an error at the start, not at the first request

// GET /images/7: image 7 of an endless series, always the same one. Pictures by ImageSharp.
app.MapGet("/images/{number:long}", async (long number, TrainedVae vae) =>
{
    float[] image = new float[vae.Decoder.Metadata.ImageSize];
    vae.Decoder.Generate(seed: 1, first: number, image);
    using var picture = vae.Decoder.Metadata.ToPictures(image)[0];
    using var png = new MemoryStream();
    await picture.SaveAsPngAsync(png);
    return Results.Bytes(png.ToArray(), "image/png");
});

// POST /reconstructions with a picture as the body: the same picture through encoder and decoder. Pictures by SkiaSharp.
app.MapPost("/reconstructions", async (HttpRequest request, TrainedVae vae) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body);
    using var content = SKData.CreateCopy(body.ToArray());
    using var picture = SKBitmap.Decode(content);
    if (picture is null)
    {
        return Results.BadRequest("The body is not a picture: send a PNG, JPEG or WebP file.");
    }

    var (mean, _) = vae.Encoder.Encode(picture.ToPixels(vae.Encoder.Metadata));
    using var reconstruction = vae.Decoder.Metadata.ToBitmaps(await vae.Decoder.DecodeAsync(mean))[0];
    using var png = reconstruction.Encode(SKEncodedImageFormat.Png, quality: 100);
    return Results.Bytes(png.ToArray(), "image/png");
});

app.Run();
