using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Colorization;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Models;

/// <summary>Colorization with a latent segmentation against the same written with TorchSharp.</summary>
internal sealed class ColorizationTests
{
    private const int BatchSize = 3, Segments = 4;
    private const double LearningRate = 1e-3, Momentum = 0.9, Floor = -5, Temperature = 0.7, Beta = 0.6;
    private static readonly ExampleShape Image = new(3, 10, 12);

    private static readonly float[] Rgb = [.. Numbers.StandardNormal(BatchSize * 360, seed: 5).Select(x => (0.2f * x) + 0.5f)];

    [Test]
    public void Steps_EqualTorch(
        [Values] ColorDecoder decoder, [Values] SegmentInference inference, [Values(1, 2)] int stride)
    {
        if (decoder == ColorDecoder.Unrestricted && inference <= SegmentInference.Enumerated)
        {
            Assert.That(() => Create(decoder, inference, stride), Throws.ArgumentException.With.Message.StartsWith("A decoder that sees all segments at once cannot be enumerated"));
            return;
        }

        var (networks, model) = Create(decoder, inference, stride);
        using var _ = networks;
        var program = new PackageCompiler(model, new TrainingOptions { BatchSize = BatchSize, Optimizer = new Sgd(new ConstantSchedule(LearningRate), Momentum) }).Step();
        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu, threads: 2);
        var optimizer = optim.SGD(networks.parameters(), LearningRate, Momentum);

        for (int step = 1; step <= 3; step++)
        {
            Rgb.CopyTo(runner.Input<float>("images"));
            runner.FillNoise(seed: 1, step);
            runner.FillSchedules(step);
            var noise = inference >= SegmentInference.GumbelSoftmax
                ? tensor(runner.Input<float>("segmentNoise").ToArray()).reshape(BatchSize, Segments, Image.Height / stride, Image.Width / stride) : null;
            var loss = Loss(networks, inference, stride, noise, Beta);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();

            runner.Run();

            Assert.That(runner.Metric("loss")[0], Is.EqualTo(loss.item<float>()).Within(0.002).Percent, $"step {step}");
            var states = runner.States.Snapshot();
            foreach (var (name, parameter) in networks.named_parameters())
            {
                Assert.That(Numbers.RelativeError(states[name].As<float>().ToArray(), parameter.ToArray()), Is.LessThan(1e-4), $"{name}, step {step}");
            }
        }
    }

    // The mean of the losses of drawn segments is the sum over all of them; so is the mean of the score-function gradients.
    [Test]
    public void Samples_AgreeWithEnumeration_InExpectation()
    {
        const int draws = 600;
        var (networks, _) = Create(ColorDecoder.Segment, SegmentInference.Enumerated, stride: 2);
        using var owned = networks;
        var (distortions, logPosterior) = Parts(networks, stride: 2);
        var logits = logPosterior.detach().requires_grad_();
        var probabilities = nn.functional.softmax(logits, 1);
        (probabilities * distortions).sum([1, 2, 3]).mean().backward();
        var exact = logits.grad!.clone();
        double enumerated = (probabilities * distortions).sum([1, 2, 3]).mean().item<float>();

        manual_seed(1);
        var score = zeros_like(exact);
        double sum = 0, squares = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            var hard = nn.functional.one_hot((logPosterior.detach() + Gumbel(rand_like(logits))).argmax(1), Segments).permute(0, 3, 1, 2).to(ScalarType.Float32);
            var chosen = (hard * distortions).sum([1, 2, 3]);
            double loss = chosen.mean().item<float>();
            (sum, squares) = (sum + loss, squares + (loss * loss));

            // E[D d ln Q], cell by cell: the gradient of ln softmax is the drawn segment minus the probabilities.
            var perCell = (hard * distortions).sum([1], keepdim: true);
            score += (perCell - (probabilities.detach() * distortions).sum([1], keepdim: true)) * (hard - probabilities.detach()) / BatchSize;
        }

        double mean = sum / draws, error = Math.Sqrt(((squares / draws) - (mean * mean)) / draws);
        Assert.That(mean, Is.EqualTo(enumerated).Within(4 * error));
        Assert.That(Numbers.RelativeError((score / draws).ToArray(), exact.ToArray()), Is.LessThan(0.1));
    }

    // Relaxed segments lie between the colors, so that their gradient is not that of the mean loss; the more so the hotter they are.
    [Test]
    public void GumbelSoftmax_HasABias_ThatFallsWithTheTemperature()
    {
        const int draws = 250;
        var (networks, _) = Create(ColorDecoder.Segment, SegmentInference.Enumerated, stride: 2);
        using var owned = networks;
        var (distortions, logPosterior) = Parts(networks, stride: 2);
        var logits = logPosterior.detach().requires_grad_();
        (nn.functional.softmax(logits, 1) * distortions).sum([1, 2, 3]).mean().backward();
        var exact = logits.grad!.clone();

        double[] bias = [.. ((double[])[2, 1, 0.5]).Select(temperature =>
        {
            manual_seed(2);
            var mean = zeros_like(exact);
            for (int draw = 0; draw < draws; draw++)
            {
                logits.grad!.zero_();
                var relaxed = nn.functional.softmax((logits + Gumbel(rand_like(logits))) / temperature, 1);
                Chosen(networks, stride: 2, relaxed).mean().backward();
                mean += logits.grad! / draws;
            }

            return Numbers.RelativeError(mean.ToArray(), exact.ToArray());
        })];

        TestContext.Out.WriteLine($"relative bias at temperatures 2, 1 and 0.5: {string.Join(", ", bias)}");
        Assert.That(bias, Is.Ordered.Descending);
        Assert.That(bias[0], Is.GreaterThan(1.5 * bias[2]));
    }

    // -ln P(y|x) = rate + distortion under the exact posterior, and by summing over all segmentations of a small image.
    [Test]
    public void ExactPosterior_MakesTheElboTheLikelihood()
    {
        var (networks, model) = Create(ColorDecoder.Local, SegmentInference.Exact, stride: 2);
        using var owned = networks;
        var program = new PackageCompiler(model, new TrainingOptions { BatchSize = BatchSize, Optimizer = new Sgd(new ConstantSchedule(LearningRate), Momentum) }).Evaluate();
        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu, threads: 2);
        Rgb.CopyTo(runner.Input<float>("images"));

        runner.Run();

        var (distortions, _) = Parts(networks, stride: 2);
        var (x, _) = Split();
        var logPrior = nn.functional.log_softmax(networks.Prior.forward(x), 1);
        float[] expected = (-(logPrior - distortions).logsumexp(1).sum([1, 2])).ToArray();
        for (int i = 0; i < BatchSize; i++)
        {
            Assert.That(runner.Metric("exactNegativeLogLikelihood")[i], Is.EqualTo(expected[i]).Within(0.002).Percent);
            Assert.That(runner.Metric("negativeElbo")[i], Is.EqualTo(expected[i]).Within(0.002).Percent);
            Assert.That(runner.Metric("rate")[i] + runner.Metric("distortion")[i], Is.EqualTo(expected[i]).Within(0.002).Percent);
        }
    }

    [Test]
    public void Colorizer_EqualsTorch([Values] ColorDecoder decoder)
    {
        using var folder = new TemporaryFolder();
        var (networks, model) = Create(decoder, SegmentInference.StraightThrough, stride: 2);
        using var owned = networks;
        var package = new PackageCompiler(model, new TrainingOptions { BatchSize = BatchSize, Optimizer = new Sgd(new ConstantSchedule(LearningRate), Momentum) }).Write(folder["package"]);
        RunExport.Write(package, package.ReadInitialStates(), folder["export"]);
        using var colorizer = Colorizer.Load(folder["export/colorizer.onnx"]);
        float[] grey = [.. Colorizer.Luminance(Rgb, Image.Height * Image.Width).Select(x => Math.Clamp(x, 0, 1))];

        var (images, segments) = colorizer.Colorize(grey, seed: 1);
        float[] probabilities = colorizer.Segment(grey);

        using var _ = no_grad();
        var x = tensor(grey).reshape(BatchSize, 1, Image.Height, Image.Width);
        Assert.That(Numbers.RelativeError(probabilities, nn.functional.softmax(networks.Prior.forward(x), 1).ToArray()), Is.LessThan(1e-5));
        var all = nn.functional.one_hot(tensor(segments.Select(segment => (long)segment).ToArray()).reshape(BatchSize, Image.Height / 2, Image.Width / 2), Segments)
            .permute(0, 3, 1, 2).to(ScalarType.Float32).repeat_interleave(2, 2).repeat_interleave(2, 3);
        var colors = networks.Restriction == ColorDecoder.Unrestricted ? networks.Decoder.forward(cat([x, all], 1)) : Mixed(networks.Decoder.forward(x), all);
        var (blue, red) = (x + (colors.narrow(1, 0, 1) / 0.564), x + (colors.narrow(1, 1, 1) / 0.713));
        var expected = cat([red, (x - (0.299 * red) - (0.114 * blue)) / 0.587, blue], 1).clamp(0, 1);
        Assert.That(Numbers.RelativeError(images, expected.ToArray()), Is.LessThan(1e-5));
    }

    [Test]
    public void Chroma_CanBeUndone()
    {
        var rgb = Value.Input("rgb", ElementType.Float32, [BatchSize, 3, Image.Height, Image.Width]);
        var (x, y) = Chroma.Split(rgb);

        float[] back = GraphRunner.Run([Chroma.Join(x, y)], [(rgb, Rgb)])[0];

        Assert.That(Numbers.RelativeError(back, Rgb), Is.LessThan(1e-6));
    }

    [Test]
    public void Parts_ThatDoNotFitTogether_AreRefused()
    {
        Assert.That(() => new ColorizationNetworks(new ExampleShape(1, 8, 8), 4, 1, ColorDecoder.Segment, false), Throws.ArgumentException.With.Message.StartsWith("The images are 1 x 8 x 8 (channels, height, width); colorization is learned from images in color."));
        Assert.That(() => new ColorizationNetworks(Image, 1, 1, ColorDecoder.Segment, false), Throws.ArgumentException.With.Message.StartsWith("The number of segments is 1; a segmentation needs at least 2."));
        Assert.That(() => new ColorizationNetworks(Image, 4, 4, ColorDecoder.Segment, false), Throws.ArgumentException.With.Message.StartsWith("The stride is 4, and the images are 10 x 12"));
        Assert.That(() => new ColorizationNetworks(Image, 4, 3, ColorDecoder.Segment, false), Throws.ArgumentException);
        using var networks = new ColorizationNetworks(Image, 4, 1, ColorDecoder.Segment, hasPosterior: true);
        Assert.That(() => new ColorizationModel(networks, new BetaElbo()), Throws.ArgumentException.With.Message.StartsWith("With Exact inference there is no network for Q(z|x,y)."));
        Assert.That(() => new ColorizationModel(networks, new ImportanceWeightedBound(4), SegmentInference.Enumerated), Throws.ArgumentException.With.Message.Contains("takes one sample"));
        Assert.That(() => new ColorizationModel(networks, new BetaElbo(), SegmentInference.GumbelSoftmax, temperature: 0), Throws.ArgumentException.With.Message.StartsWith("The temperature is 0"));
    }

    private static (ColorizationNetworks Networks, ColorizationModel Model) Create(ColorDecoder decoder, SegmentInference inference, int stride)
    {
        var networks = new ColorizationNetworks(Image, Segments, stride, decoder, hasPosterior: inference != SegmentInference.Exact, width: 4, seed: 1);
        return (networks, new ColorizationModel(networks, new BetaElbo(new ConstantSchedule(Beta)), inference, Temperature));
    }

    private static Tensor Loss(ColorizationNetworks networks, SegmentInference inference, int stride, Tensor? noise, double beta)
    {
        var (x, y) = Split();
        var logPrior = nn.functional.log_softmax(networks.Prior.forward(x), 1);
        var distortions = networks.Restriction == ColorDecoder.Unrestricted ? null : Distortions(networks, stride);
        var logPosterior = nn.functional.log_softmax(networks.Posterior?.forward(cat([x, y], 1)) ?? (logPrior - (distortions! / beta)), 1);
        Tensor distortion;
        if (noise is null)
        {
            distortion = (logPosterior.exp() * distortions!).sum([1, 2, 3]);
        }
        else
        {
            var relaxed = nn.functional.softmax((logPosterior + Gumbel(noise)) / Temperature, 1);
            var hard = nn.functional.one_hot(relaxed.argmax(1), Segments).permute(0, 3, 1, 2).to(ScalarType.Float32);
            distortion = Chosen(networks, stride, inference == SegmentInference.StraightThrough ? hard + relaxed - relaxed.detach() : relaxed);
        }

        var rate = (logPosterior.exp() * (logPosterior - logPrior)).sum([1, 2, 3]);
        return (distortion + (beta * rate)).mean();
    }

    private static (Tensor Distortions, Tensor LogPosterior) Parts(ColorizationNetworks networks, int stride)
    {
        using var _ = no_grad();
        var (x, y) = Split();
        return (Distortions(networks, stride), networks.Posterior is null ? x : nn.functional.log_softmax(3 * networks.Posterior.forward(cat([x, y], 1)), 1));
    }

    private static Tensor Distortions(ColorizationNetworks networks, int stride)
    {
        var (x, y) = Split();
        var colors = networks.Decoder.forward(x);
        var parameters = colors.reshape(colors.shape[0], Segments, 4, colors.shape[2], colors.shape[3]);
        var density = Density(y.unsqueeze(1), parameters.narrow(2, 0, 2), parameters.narrow(2, 2, 2)).sum([2]);
        return stride * stride * nn.functional.avg_pool2d(density, stride);
    }

    private static Tensor Chosen(ColorizationNetworks networks, int stride, Tensor segments)
    {
        var (x, y) = Split();
        var all = segments.repeat_interleave(stride, 2).repeat_interleave(stride, 3);
        if (networks.Restriction == ColorDecoder.Unrestricted)
        {
            var output = networks.Decoder.forward(cat([x, all], 1));
            return Density(y, output.narrow(1, 0, 2), output.narrow(1, 2, 2)).sum([1, 2, 3]);
        }

        var mixed = Mixed(networks.Decoder.forward(x), all);
        return Density(y, mixed.narrow(1, 0, 2), mixed.narrow(1, 2, 2)).sum([1, 2, 3]);
    }

    private static Tensor Mixed(Tensor colors, Tensor segments) =>
        (segments.unsqueeze(2) * colors.reshape(colors.shape[0], Segments, 4, colors.shape[2], colors.shape[3])).sum([1]);

    private static Tensor Density(Tensor y, Tensor mean, Tensor s)
    {
        var logSigma = nn.functional.softplus(s - Floor, 1, 50) + Floor;
        return (0.5 * ((y - mean) / logSigma.exp()).square()) + logSigma + (0.5 * Math.Log(2 * Math.PI));
    }

    private static Tensor Gumbel(Tensor uniform) => -(-uniform.clamp(1e-7, 1 - 1e-7).log()).log();

    private static (Tensor X, Tensor Y) Split()
    {
        var rgb = tensor(Rgb).reshape(BatchSize, 3, Image.Height, Image.Width);
        var x = (0.299 * rgb.narrow(1, 0, 1)) + (0.587 * rgb.narrow(1, 1, 1)) + (0.114 * rgb.narrow(1, 2, 1));
        return (x, cat([0.564 * (rgb.narrow(1, 2, 1) - x), 0.713 * (rgb.narrow(1, 0, 1) - x)], 1));
    }
}
