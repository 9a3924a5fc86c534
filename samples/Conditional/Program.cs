using OnnxVae.Inference;
using OnnxVae.Inference.SkiaSharp;
using SkiaSharp;

if (args.Length < 2)
{
    Console.Error.WriteLine("Usage: Conditional EXPORT_FOLDER OUTPUT_FOLDER, the first of a run with --condition label");
    return 2;
}

string export = args[0], output = args[1];
Directory.CreateDirectory(output);

// The same noise for every class: what changes from picture to picture is the class alone.
using var vae = TrainedVae.Load(export);
foreach (string name in vae.Decoder.Metadata.Condition!.Classes)
{
    float[] images = vae.GivenClass(name).Generate(count: 8, seed: 1);
    foreach (var (number, bitmap) in vae.Decoder.Metadata.ToBitmaps(images).Index())
    {
        using (bitmap)
        using (var file = File.Create(Path.Combine(output, $"{name}-{number}.png")))
        {
            bitmap.Encode(file, SKEncodedImageFormat.Png, quality: 100);
        }
    }
}

return 0;
