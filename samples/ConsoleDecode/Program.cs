using OnnxVae.Inference;
using OnnxVae.Inference.SkiaSharp;
using SkiaSharp;

if (args.Length < 2)
{
    Console.Error.WriteLine("Usage: ConsoleDecode EXPORT_FOLDER OUTPUT_FOLDER [PICTURE]");
    return 2;
}

string export = args[0], output = args[1];
Directory.CreateDirectory(output);

// New images, C x H x W numbers each, all in one array.
using var vae = TrainedVae.Load(export);
float[] images = vae.Decoder.Generate(count: 8, seed: 1);
SavePngs(images, "generated");

// A picture of any size through encoder and decoder.
if (args.Length > 2)
{
    using var picture = SKBitmap.Decode(args[2]) ?? throw new InvalidDataException($"'{args[2]}' is not a picture.");
    byte[] pixels = picture.ToPixels(vae.Encoder.Metadata);            // scaled and cropped as in training
    var (mean, logVar) = vae.Encoder.Encode(pixels);
    Console.WriteLine($"{mean.Length} latents: {string.Join(' ', mean.Select(value => value.ToString("0.00")))}");
    SavePngs(vae.Decoder.Decode(mean), "reconstructed");
}

return 0;

void SavePngs(float[] images, string name)
{
    foreach (var (number, bitmap) in vae.Decoder.Metadata.ToBitmaps(images).Index())
    {
        using (bitmap)
        using (var file = File.Create(Path.Combine(output, $"{name}-{number}.png")))
        {
            bitmap.Encode(file, SKEncodedImageFormat.Png, quality: 100);
        }
    }
}
