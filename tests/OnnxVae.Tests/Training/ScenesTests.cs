using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Training;

/// <summary>The built-in scenes.</summary>
internal sealed class ScenesTests
{
    private const int Side = 32, Pixels = Side * Side;

    // The chroma of each pixel is a draw from the Gaussian of its segment, and the luminance says nothing about it.
    [Test]
    public void Chroma_IsThatOfItsSegment()
    {
        var scenes = new Scenes();
        var (values, segments) = (new float[scenes.ImageSize], new byte[Pixels]);
        double[] count = new double[5], blue = new double[5], red = new double[5], squares = new double[5], product = new double[5];
        for (int image = 0; image < 300; image++)
        {
            scenes.ReadValues(image, values);
            scenes.ReadSegments(image, segments);
            for (int i = 0; i < Pixels; i++)
            {
                double x = Luminance(values, i), b = 0.564 * (values[(2 * Pixels) + i] - x), r = 0.713 * (values[i] - x);
                var (meanBlue, meanRed) = Scenes.MeanOf(segments[i]);
                int k = segments[i];
                (count[k], blue[k], red[k]) = (count[k] + 1, blue[k] + b - meanBlue, red[k] + r - meanRed);
                squares[k] += ((b - meanBlue) * (b - meanBlue)) + ((r - meanRed) * (r - meanRed));
                product[k] += (b - meanBlue) * (r - meanRed);
            }
        }

        for (int k = 0; k < 5; k++)
        {
            double error = Scenes.Sigma / Math.Sqrt(count[k]);
            Assert.That(count[k], Is.GreaterThan(1000));
            Assert.That(blue[k] / count[k], Is.EqualTo(0).Within(5 * error), $"segment {k}");
            Assert.That(red[k] / count[k], Is.EqualTo(0).Within(5 * error));
            Assert.That(Math.Sqrt(squares[k] / count[k] / 2), Is.EqualTo(Scenes.Sigma).Within(2).Percent);
            Assert.That(product[k] / count[k], Is.EqualTo(0).Within(5 * Scenes.Sigma * Scenes.Sigma / Math.Sqrt(count[k])));
        }
    }

    // What 3 x 3 pixels of luminance show is a pattern of ground and rectangle. The best colors without z for each pattern are Gaussians with the moments
    // of the mixture of classes behind it: even they are far from the entropy that a segmentation reaches.
    [Test]
    public void BestModelWithoutSegments_IsProvablyWorse()
    {
        var scenes = new Scenes();
        var segments = new byte[Pixels];
        var classes = new Dictionary<int, double[]>();
        for (int image = 0; image < 2000; image++)
        {
            scenes.ReadSegments(image, segments);
            for (int i = 0; i < Pixels; i++)
            {
                int pattern = Pattern(segments, i);
                if (!classes.TryGetValue(pattern, out double[]? counts))
                {
                    classes[pattern] = counts = new double[5];
                }

                counts[segments[i]]++;
            }
        }

        double total = classes.Values.Sum(counts => counts.Sum());
        double best = classes.Values.Sum(counts => counts.Sum() / total * EntropyOfMoments(counts));

        TestContext.Out.WriteLine($"at best {best - Scenes.EntropyOfClass:0.000} nats per pixel above the entropy without segments");
        Assert.That(best - Scenes.EntropyOfClass, Is.GreaterThan(0.5), "nats per pixel");
        Assert.That(scenes.ConditionalEntropyOf(0), Is.EqualTo(Pixels * Math.Log(2 * Math.PI * Math.E * 0.05 * 0.05)).Within(1e-9));
    }

    // The mixture of four Gaussians that hardly overlap: ln 4 above one of them.
    [Test]
    public void RandomScenes_HaveTheEntropyOfTheMixture()
    {
        var scenes = new Scenes(isRandom: true);
        var segments = new byte[Pixels];
        scenes.ReadSegments(3, segments);
        int colored = segments.Count(segment => segment > 0);

        double expected = (Pixels * Scenes.EntropyOfClass) + (colored * Math.Log(4));

        Assert.That(colored, Is.GreaterThan(0));
        Assert.That(scenes.ConditionalEntropyOf(3), Is.EqualTo(expected).Within(0.01 * colored));
        Assert.That(scenes.ConditionalEntropyOf(3), Is.LessThan(expected));
    }

    [Test]
    public void Scenes_AreTheSameEachTime_AndCanBePictures()
    {
        float[] once = new float[3 * Pixels], again = new float[3 * Pixels];
        new Scenes().ReadValues(77, once);
        new Scenes().ReadValues(77, again);
        var pixels = new byte[3 * Pixels];
        new Scenes().Read(77, pixels);

        Assert.That(again, Is.EqualTo(once));
        Assert.That(pixels.Zip(once), Has.All.Matches<(byte Pixel, float Value)>(pair => Math.Abs(pair.Pixel - (255 * Math.Clamp(pair.Value, 0, 1))) <= 0.51));
        var data = ImageData.Open("scenes");
        Assert.That((data.Train.Count, data.Test.Count, data.Test.Segments), Is.EqualTo((95_000, 5_000, 5)));
    }

    private static double Luminance(float[] values, int i) => (0.299 * values[i]) + (0.587 * values[Pixels + i]) + (0.114 * values[(2 * Pixels) + i]);

    // Which of the nine pixels belong to a rectangle; beyond the border there is ground, which only adds to what is seen.
    private static int Pattern(byte[] segments, int i)
    {
        int pattern = 0;
        for (int row = (i / Side) - 1; row <= (i / Side) + 1; row++)
        {
            for (int column = (i % Side) - 1; column <= (i % Side) + 1; column++)
            {
                bool isInside = row is >= 0 and < Side && column is >= 0 and < Side;
                pattern = (3 * pattern) + (!isInside ? 2 : segments[(row * Side) + column] > 0 ? 1 : 0);
            }
        }

        return pattern;
    }

    // 1/2 ln det(2 pi e covariance) of a mixture.
    private static double EntropyOfMoments(double[] counts)
    {
        double total = counts.Sum(), blue = 0, red = 0, blues = 0, reds = 0, both = 0;
        for (int k = 0; k < counts.Length; k++)
        {
            var (meanBlue, meanRed) = Scenes.MeanOf(k);
            double share = counts[k] / total;
            (blue, red) = (blue + (share * meanBlue), red + (share * meanRed));
            (blues, reds, both) = (blues + (share * meanBlue * meanBlue), reds + (share * meanRed * meanRed), both + (share * meanBlue * meanRed));
        }

        double noise = Scenes.Sigma * Scenes.Sigma, a = blues - (blue * blue) + noise, b = reds - (red * red) + noise, c = both - (blue * red);
        return Math.Log(2 * Math.PI * Math.E) + (0.5 * Math.Log((a * b) - (c * c)));
    }
}
