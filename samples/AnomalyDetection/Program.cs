// Which of some pictures look least like what a model was trained on?
//   onnxvae train --data my-pictures --image-size 64 --out runs/parts
//   dotnet run -c Release --project samples/AnomalyDetection -- runs/parts/export/scorer.onnx new-pictures
using OnnxVae.Inference;
using OnnxVae.Inference.SkiaSharp;
using SkiaSharp;

using var scorer = VaeScorer.Load(args[0]);
foreach (var (number, file) in Directory.GetFiles(args[1]).Order(StringComparer.Ordinal).Index())
{
    using var picture = SKBitmap.Decode(file) ?? throw new InvalidDataException($"'{file}' is not a picture.");
    float score = scorer.Score(picture.ToPixels(scorer.Metadata), seed: 1, first: number)[0]; // scaled and cropped as in training
    Console.WriteLine(FormattableString.Invariant($"{score:R} {Path.GetFileName(file)}{(scorer.Threshold is not null && scorer.IsOutlier(score) ? " outlier" : "")}"));
}
