using OnnxVae.Inference;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Cli;

/// <summary>Wrong input gets one line that says which value, what was expected, and what to do.</summary>
internal sealed class ErrorTests
{
    private static readonly TemporaryFolder Folder = new();
    private static readonly string Run = Folder["run"], Decoder = Path.Combine(Run, "export", "decoder.onnx");

    [OneTimeSetUp]
    public void Train()
    {
        Directory.CreateDirectory(Folder["empty"]);
        Directory.CreateDirectory(Folder["full"]);
        File.WriteAllText(Folder["full/file.txt"], "");
        File.WriteAllText(Folder["text.onnx"], "this is no model");
        var (exitCode, _, error) = Support.Cli.Run("train", "--model", "mlp", "--steps", "2", "--batch", "4", "--importance-samples", "0", "--out", Run);
        Assert.That(exitCode, Is.Zero, error);
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Folder.Dispose();

    [TestCase("train --data /nowhere --out {0}/x", 1, "There is no data '/nowhere': give 'sprites', 'scenes', 'mnist', 'fashion-mnist', 'kmnist', 'cifar10', a folder, a .tar, .tar.gz or .zip of images, a .npy or .npz, a folder of .npy, a .wav or a folder of .wav, a .csv, .tsv or .parquet, or an image file.")]
    [TestCase("train --data {0}/empty --out {0}/x", 1, "'{0}/empty' has no images: expected files .png, .jpg, .jpeg, .webp, .gif, .bmp, or MNIST's IDX files.")]
    [TestCase("train --latent 0 --out {0}/x", 2, "--latent is 0; it must be at least 1. See 'onnxvae train --help'.")]
    [TestCase("train --batch -4 --out {0}/x", 2, "--batch is -4; it must be at least 1. See 'onnxvae train --help'.")]
    [TestCase("train --model cnn --out {0}/x", 2, "--model is 'cnn'; known are mlp, conv, linear, residual, vqvae, vqvae2, colorization. See 'onnxvae train --help'.")]
    [TestCase("train --model mlp --hidden 40,x --out {0}/h1", 2, "--hidden is '40,x'; expected numbers from 1 to 65536 with commas between them, as in 512,256. See 'onnxvae train --help'.")]
    [TestCase("train --model conv --hidden 40,20 --out {0}/h2", 2, "The model 'conv' has one hidden dense layer, but 2 widths are given: give one, or --model mlp.")]
    [TestCase("train --likelihood poisson --out {0}/x", 2, "--likelihood is 'poisson'; known are bernoulli, continuous-bernoulli, gaussian, gaussian-learned, gaussian-optimal, discretized-logistic, squared-error, absolute-error, dissimilarity. See 'onnxvae train --help'.")]
    [TestCase("train --sigma -1 --likelihood gaussian --out {0}/x", 2, "--sigma is -1; it must be a positive number. See 'onnxvae train --help'.")]
    [TestCase("train --steps 3 --epochs 2 --out {0}/x", 2, "Give --epochs or --steps, not both. See 'onnxvae train --help'.")]
    [TestCase("train --package {0}/run/package --latent 3 --out {0}/x", 2, "--latent cannot be given with --package: the package was compiled with its own. See 'onnxvae train --help'.")]
    [TestCase("train --package {0}/empty --out {0}/x", 1, "'{0}/empty' is not a training package: it has no manifest.json. Make one with 'onnxvae compile'.")]
    [TestCase("train --device tpu --out {0}/x", 1, "Device 'tpu' is not available: this ONNX Runtime has cpu. Choose one of these, reference the ONNX Runtime package of that provider, or register its library.")]
    [TestCase("train --device cuda --out {0}/x", 1, "Device 'cuda' is not available: this ONNX Runtime has cpu. It comes with ONNX Runtime's GPU package, and needs CUDA 13 and cuDNN 9.")]
    [TestCase("train --out {0}/full", 1, "The folder '{0}/full' exists and is not empty: give another --out, or empty it.")]
    [TestCase("train --out {0}/run", 1, "The folder '{0}/run' exists and is not empty: it holds a run; give --resume to continue it, or another --out.")]
    [TestCase("train --out {0}/text.onnx", 1, "'{0}/text.onnx' is a file; --out must name a folder.")]
    [TestCase("train --resume --out {0}/missing", 1, "There is no run folder '{0}/missing'.")]
    [TestCase("train --resume --out {0}/full", 1, "'{0}/full' does not hold a training run: it has no options.json.")]
    [TestCase("train --resume --latent 20 --out {0}/run", 2, "--latent is 20, but the run was started with 10: leave it out to resume, or start a new run in another folder.")]
    [TestCase("evaluate {0}/run --split middle", 2, "--split is 'middle'; known are train, validation, test, all. See 'onnxvae evaluate --help'.")]
    [TestCase("evaluate {0}/run --checkpoint {0}/text.onnx", 1, "'{0}/text.onnx' is damaged or is not a safetensors file.")]
    [TestCase("export {0}/run --out {0}/e --checkpoint {0}/run/package/initial.safetensors", 1, "'{0}/run/package/initial.safetensors' is not a checkpoint of a training run.")]
    [TestCase("generate {0}/missing.onnx --out {0}/g", 1, "There is no file '{0}/missing.onnx'.")]
    [TestCase("generate {0}/run/export/encoder.onnx --out {0}/g", 1, "'{0}/run/export/encoder.onnx' is an encoder; expected a decoder. Give the decoder.onnx that was exported with it.")]
    [TestCase("generate {0}/run/package/step.onnx --out {0}/g", 1, "'{0}/run/package/step.onnx' is not a decoder: it has no OnnxVae metadata. Export one from a run.")]
    [TestCase("generate {0}/run/export/decoder.onnx --shard 3/3 --out {0}/g", 2, "--shard is '3/3'; expected I/N with I from 0 to N - 1, as in 0/4. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run/export/decoder.onnx --out {0}/run", 1, "The folder '{0}/run' exists and is not empty: give another --out, or empty it.")]
    [TestCase("generate {0}/run/export/decoder.onnx --out {0}/text.onnx", 1, "'{0}/text.onnx' is a file; --out must name a folder, a .npy or a .tar.")]
    [TestCase("generate {0}/run/export/decoder.onnx --out {0}/g.parquet", 2, "--out is '{0}/g.parquet'; images go to a folder, a .npy or a .tar, and one image to a picture.")]
    [TestCase("generate {0}/run/export/decoder.onnx --format gif --out {0}/g", 2, "--format is 'gif'; known are png, jpeg, webp. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run/export/decoder.onnx --quality 101 --out {0}/g", 2, "--quality is 101; it must be at most 100. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run/export/decoder.onnx --provider-library {0}/no.so --out {0}/g", 1, "There is no execution provider library '{0}/no.so'.")]
    [TestCase("encode {0}/run/export/encoder.onnx --data sprites --out {0}/z", 2, "--out is '{0}/z'; latents go to a .npy or a .parquet. See 'onnxvae encode --help'.")]
    [TestCase("serve {0}/empty", 1, "There is no file '{0}/empty/encoder.onnx'.")]
    [TestCase("serve {0}/run --port 70000", 2, "--port is 70000; it must be at most 65535. See 'onnxvae serve --help'.")]
    [TestCase("inspect {0}/text.onnx", 1, "'{0}/text.onnx' is not an ONNX model, or is truncated.")]
    [TestCase("inspect {0}/missing", 1, "There is no file '{0}/missing'.")]
    [TestCase("train --beta NaN --out {0}/x", 2, "--beta is NaN; it must be at least 0. See 'onnxvae train --help'.")]
    [TestCase("train --prior flat --out {0}/x", 2, "--prior is 'flat'; known are standard-normal, gaussian, conditional, vamp. See 'onnxvae train --help'.")]
    [TestCase("train --pixels binary --out {0}/x", 2, "--pixels is 'binary'; known are grey, threshold, sampled. See 'onnxvae train --help'.")]
    [TestCase("train --samples 5 --beta 2 --out {0}/o1", 2, "--beta cannot be given with --samples: the importance-weighted bound has no weighted rate term. See 'onnxvae train --help'.")]
    [TestCase("train --capacity 20 --free-bits 0.1 --out {0}/o2", 2, "--free-bits cannot be given with --capacity: the rate is held at the capacity instead of being weighted. See 'onnxvae train --help'.")]
    [TestCase("train --beta-cycles 4 --beta-warm-up 100 --out {0}/o3", 2, "--beta-warm-up cannot be given with --beta-cycles: each cycle has a warm-up of its own. See 'onnxvae train --help'.")]
    [TestCase("train --rounded --prior vamp --out {0}/o4", 2, "--prior cannot be given with --rounded: rounded latents have one value and a density of their own. See 'onnxvae train --help'.")]
    [TestCase("train --prior vamp --free-bits 1 --model mlp --out {0}/o5", 1, "Free bits are counted latent by latent, but this prior's rate does not factorize over the latents: choose another prior, or do without free bits.")]
    [TestCase("train --beta-cycles 6 --steps 10 --out {0}/o6", 2, "--beta-cycles is 6, but there are 10 steps: a cycle needs at least two.")]
    [TestCase("train --samples 3 --likelihood gaussian-optimal --model mlp --out {0}/o7", 1, "The likelihood 'gaussian-optimal' takes one sample of the latents per image, but --samples is 3: give --likelihood gaussian-learned.")]
    [TestCase("sweep --lambdas 1,2 --out {0}/s", 2, "--lambdas needs a --likelihood with a weight: squared-error, absolute-error or dissimilarity; 'bernoulli' has none. See 'onnxvae sweep --help'.")]
    [TestCase("sweep --betas 1,2 --capacity 20 --out {0}/s", 2, "--betas cannot be given with --capacity: that objective has no weight of the rate. See 'onnxvae sweep --help'.")]
    [TestCase("sweep --betas 1,2 --lambdas 3 --out {0}/s", 2, "A sweep takes either --betas or --lambdas, and no --package. See 'onnxvae sweep --help'.")]
    [TestCase("sweep --betas 1,x --out {0}/s", 2, "--betas is '1,x'; expected numbers from 0, none of them twice, with commas between them, as in 0.5,1,2. See 'onnxvae sweep --help'.")]
    [TestCase("sweep --lambdas 0 --likelihood squared-error --out {0}/s", 2, "--lambdas is '0'; expected positive numbers, none of them twice, with commas between them, as in 0.5,1,2. See 'onnxvae sweep --help'.")]
    [TestCase("generate {0}/run/export/decoder.onnx --prior mixture --out {0}/g", 1, "There is no '{0}/run/export/mixture.onnx': fit one to the run's latents with 'onnxvae fit RUN'.")]
    [TestCase("traverse {0}/run/export --latents 2,10 --out {0}/t.png", 2, "--latents is '2,10'; expected numbers from 0 to 9 with commas between them, as in 0,3.")]
    [TestCase("interpolate {0}/run/export --data sprites --from 5000 --out {0}/i.png", 2, "--from is 5000; the images of this split are 0 to 4999.")]
    [TestCase("compress {0}/run/export --data sprites --out {0}/c", 1, "There is no '{0}/run/export/density.onnx': only runs with --rounded export one, and only their latents can be coded.")]
    [TestCase("trian", 2, "There is no verb or option 'trian'. Did you mean 'train'? See 'onnxvae --help'.")]
    [TestCase("train --laten 3", 2, "There is no verb or option '--laten'. Did you mean '--latent'? See 'onnxvae train --help'.")]
    [TestCase("train --nothing-like-it", 2, "There is no verb or option '--nothing-like-it'. See 'onnxvae train --help'.")]
    [TestCase("frobnicate", 2, "There is no verb or option 'frobnicate'. See 'onnxvae --help'.")]
    [TestCase("train --resume", 2, "--resume needs --out, the run to continue. See 'onnxvae train --help'.")]
    [TestCase("train --resume --model mlp --out {0}/run --latent 10 --likelihood gaussian", 2, "--likelihood is gaussian, but the run was started with bernoulli: leave it out to resume, or start a new run in another folder.")]
    [TestCase("train --resume --model conv --out {0}/run", 2, "--model is conv, but the run was started with mlp: leave it out to resume, or start a new run in another folder.")]
    [TestCase("train --batch x --out {0}/x", 2, "--batch is 'x'; expected a whole number. See 'onnxvae train --help'.")]
    [TestCase("train --seed -3 --out {0}/x", 2, "--seed is '-3'; expected a whole number from 0 on. See 'onnxvae train --help'.")]
    [TestCase("train --beta big --out {0}/x", 2, "--beta is 'big'; expected a number. See 'onnxvae train --help'.")]
    [TestCase("train --latent 100000000 --out {0}/x", 2, "--latent is 100000000; it must be at most 65536. See 'onnxvae train --help'.")]
    [TestCase("train --model mlp --hidden 65536,65536 --out {0}/h3", 1, "A dense layer from 65536 to 65536 numbers has 4294967296 weights; there may be at most 268435456: take narrower layers, fewer latents or smaller examples.")]
    [TestCase("train --hidden 100000000 --model mlp --out {0}/x", 2, "--hidden is '100000000'; expected numbers from 1 to 65536 with commas between them, as in 512,256. See 'onnxvae train --help'.")]
    [TestCase("generate {0}/run --out {0}/o.png", 2, "--out is '{0}/o.png', one picture, but there are 64 images: give a folder, a .npy or a .tar.")]
    [TestCase("generate {0}/run --count 1 --out {0}/o.gif", 2, "--out is '{0}/o.gif'; pictures are written as .png, .jpg or .webp. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run --count 1 --format webp --out {0}/o.png", 2, "--format is webp, but --out is '{0}/o.png': leave one of them out. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run --grid {0}/g.bmp --out {0}/g", 2, "--grid is '{0}/g.bmp'; pictures are written as .png, .jpg or .webp. See 'onnxvae generate --help'.")]
    [TestCase("traverse {0}/run --out {0}/t.tiff", 2, "--out is '{0}/t.tiff'; pictures are written as .png, .jpg or .webp. See 'onnxvae traverse --help'.")]
    [TestCase("interpolate {0}/run --from a.png --to b.png --out {0}/i.png", 2, "--from is 'a.png'; expected an image file, or with --data the number or the name of an image in them.")]
    [TestCase("train --channels NaN", 2, "--channels is 'NaN'; expected a whole number. See 'onnxvae train --help'.")]
    [TestCase("train --channels 2", 2, "--channels is 2; give 1 for grayscale or 3 for colour. See 'onnxvae train --help'.")]
    [TestCase("generate {0}/run --out {0}/q --quality 1e1", 2, "--quality is '1e1'; expected a whole number. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run --out {0}/q --quality 101", 2, "--quality is 101; it must be at most 100. See 'onnxvae generate --help'.")]
    [TestCase("serve {0}/run --port abc", 2, "--port is 'abc'; expected a whole number. See 'onnxvae serve --help'.")]
    [TestCase("serve {0}/run --port 70000", 2, "--port is 70000; it must be at most 65535. See 'onnxvae serve --help'.")]
    [TestCase("interpolate {0}/run --data sprites --from heart --to 1 --out {0}/i.png", 2, "--from is 'heart'; expected the number of an image of this --split, 0 to 4999, its name, or an image file.")]
    [TestCase("prior {0}/run --level bottom", 1, "The run's latents are numbers: only models with codes (--model vqvae, vqvae2) take a prior of codes.")]
    [TestCase("evaluate {0}/run --split validation", 1, "The data have no validation split: give train, test or all.")]
    [TestCase("decompress {0}/run {0}/missing --out {0}/d", 1, "There is no '{0}/run/export/density.onnx': only runs with --rounded export one, and only their latents can be coded.")]
    [TestCase("train --beta 1,5 --out {0}/x", 2, "--beta is '1,5'; expected a number with a point, as in 1.5. See 'onnxvae train --help'.")]
    [TestCase("train --learning-rate 0,001 --out {0}/x", 2, "--learning-rate is '0,001'; expected a number with a point, as in 1.5. See 'onnxvae train --help'.")]
    [TestCase("train --out --resume", 2, "--out needs a value, but is followed by the option '--resume'. See 'onnxvae train --help'.")]
    [TestCase("train --out", 2, "--out needs a value. See 'onnxvae train --help'.")]
    [TestCase("train --package= --out {0}/x", 2, "--package is empty: give it a value, or leave it out. See 'onnxvae train --help'.")]
    [TestCase("train --json=maybe --out {0}/x", 2, "--json is 'maybe'; expected true, false or nothing. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvea --codes 16 --width 8 --out {0}/x", 2, "--model is 'vqvea'; known are mlp, conv, linear, residual, vqvae, vqvae2, colorization. See 'onnxvae train --help'.")]
    [TestCase("sweep --lambdas 1 --likelihood squared-eror --out {0}/x", 2, "--likelihood is 'squared-eror'; known are bernoulli, continuous-bernoulli, gaussian, gaussian-learned, gaussian-optimal, discretized-logistic, squared-error, absolute-error, dissimilarity. See 'onnxvae sweep --help'.")]
    [TestCase("train -- --steps", 2, "'--steps' comes after '--', which ends verbs and options: remove the '--'. See 'onnxvae train --help'.")]
    [TestCase("train --count 3", 2, "'train' has no option '--count'; other verbs have it. See 'onnxvae train --help'.")]
    [TestCase("train --data @nowhere --out {0}/x", 1, "There is no data '@nowhere': give 'sprites', 'scenes', 'mnist', 'fashion-mnist', 'kmnist', 'cifar10', a folder, a .tar, .tar.gz or .zip of images, a .npy or .npz, a folder of .npy, a .wav or a folder of .wav, a .csv, .tsv or .parquet, or an image file.")]
    [TestCase("train --threads 100000 --out {0}/x", 2, "--threads is 100000; it must be at most {1}. See 'onnxvae train --help'.")]
    [TestCase("train --device-option use_tf32=0 --out {0}/x", 2, "--device-option is for devices other than the processor: give --device. See 'onnxvae train --help'.")]
    [TestCase("generate {0}/run --allow-fallback --out {0}/x", 2, "--allow-fallback is for devices other than the processor: give --device. See 'onnxvae generate --help'.")]
    [TestCase("train --device cuda --device-option use_tf32 --out {0}/x", 2, "--device-option has 'use_tf32'; expected KEY=VALUE, as in use_tf32=0. See 'onnxvae train --help'.")]
    [TestCase("train --device cuda --device-option a=1,b=2,a=3 --out {0}/x", 2, "--device-option gives a twice: give it once. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvae --mixture 5 --out {0}/x", 2, "--mixture cannot be given with --model vqvae: it is for latents that are real numbers. See 'onnxvae train --help'.")]
    [TestCase("compile --for toaster --out {0}/x", 2, "--for is 'toaster'; known are cpu, cuda, tensorrt, webgpu, dml, coreml, openvino, migraphx, qnn, xnnpack. See 'onnxvae compile --help'.")]
    [TestCase("generate {0}/run --out {0}/x --top-p 2", 2, "--top-p is 2; it must be above 0 and at most 1. See 'onnxvae generate --help'.")]
    [TestCase("generate {0}/run --out {0}/x --count 20000000000", 2, "--count is 20000000000; it must be at most 10000000000. See 'onnxvae generate --help'.")]
    [TestCase("train --model vqvae --quantizer finite-scalar --scalar-levels 1,1 --out {0}/x", 2, "--scalar-levels is '1,1'; expected numbers from 2 to 65536 with commas between them, as in 512,256. See 'onnxvae train --help'.")]
    [TestCase("sweep --beta 7 --betas 1,2 --out {0}/x", 2, "--beta cannot be given with --betas: that is what the sweep varies. See 'onnxvae sweep --help'.")]
    [TestCase("sweep --betas 1,2,2 --out {0}/x", 2, "--betas is '1,2,2'; expected numbers from 0, none of them twice, with commas between them, as in 0.5,1,2. See 'onnxvae sweep --help'.")]
    [TestCase("traverse {0}/run --split test --out {0}/t.png", 2, "--split needs --data: it is about those images. See 'onnxvae traverse --help'.")]
    [TestCase("traverse {0}/run --range 1e300 --out {0}/t.png", 2, "--range is 1e300; it must be at most 3.4e38. See 'onnxvae traverse --help'.")]
    [TestCase("traverse {0}/run --out {0}/t.parquet", 2, "--out is '{0}/t.parquet'; give a picture, a .npy or a folder. See 'onnxvae traverse --help'.")]
    [TestCase("traverse {0}/run --out {0}/full", 1, "The folder '{0}/full' exists and is not empty: give another --out, or empty it.")]
    [TestCase("export {0}/run --out {0}/text.onnx", 1, "'{0}/text.onnx' is a file; --out must name a folder.")]
    [TestCase("traverse {0}/run --out {0}/text.onnx/t.png", 1, "'{0}/text.onnx' is a file, where a folder is needed.")]
    public void Command_WithBadInput_ExplainsInOneLine(string command, int exitCode, string message)
    {
        string[] arguments = [.. command.Split(' ').Select(word => word.Replace("{0}", Folder.Path, StringComparison.Ordinal))];

        var (actual, _, error) = Support.Cli.Run(arguments);

        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1), error);
        Assert.That(actual, Is.EqualTo(exitCode), error);
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: {message.Replace("{0}", Folder.Path, StringComparison.Ordinal).Replace("{1}", $"{OnnxDevice.MostThreads}", StringComparison.Ordinal)}"));
    }

    [Test]
    public void Generate_OfTruncatedModel_SaysThatItCannotBeLoaded()
    {
        File.WriteAllBytes(Folder["cut.onnx"], File.ReadAllBytes(Decoder)[..5000]);

        var (exitCode, _, error) = Support.Cli.Run("generate", Folder["cut.onnx"], "--out", Folder["g"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.StartWith($"onnxvae: '{Folder["cut.onnx"]}' cannot be loaded as an ONNX model: "));
    }

    [TestCase("--learning-rate-schedule one-cycle")]
    [TestCase("--capacity 20")]
    [TestCase("--beta-cycles 2")]
    public void Train_OfPackageWithOtherSteps_SaysForHowManyItWasCompiled(string schedule)
    {
        string package = Folder[$"package {schedule}"];
        Support.Cli.Succeed(["compile", "--model", "mlp", "--steps", "8", "--batch", "4", "--out", package, .. schedule.Split(' ')]);

        var (exitCode, _, error) = Support.Cli.Run("train", "--package", package, "--steps", "9", "--out", Folder["other steps"]);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error.TrimEnd(), Is.EqualTo("onnxvae: The package's schedules were compiled for 8 steps, but this run has 9: give --steps 8, or compile again."));
    }

    [Test]
    public void Faults_AreReportedTogether() => Assert.That(
        Support.Cli.Run("train", "--latent", "0", "--batch", "-4", "--samples", "5", "--beta", "2", "--capcity", "3", "--resume"),
        Is.EqualTo((2, "", """
            onnxvae: There is no verb or option '--capcity'. Did you mean '--capacity'?
            onnxvae: --batch is -4; it must be at least 1.
            onnxvae: --latent is 0; it must be at least 1.
            onnxvae: --beta cannot be given with --samples: the importance-weighted bound has no weighted rate term.
            onnxvae: --resume needs --out, the run to continue.
            See 'onnxvae train --help'.

            """)));

    [Test]
    public void Help_ListsVerbsAndOptionsByTopic()
    {
        string verbs = Support.Cli.Run("--help").Output, options = Support.Cli.Run("train", "--help").Output;

        Assert.That(verbs, Does.Match(@"(?s)\nTrain and evaluate\n.*\n  train +Trains a VAE\.\n.*\nMake images\n  colorize .*\n  generate "));
        Assert.That(options, Does.Match(@"(?s)\nLikelihood\n  --likelihood TEXT  P\(y\|z\)\. If left out, .* One of bernoulli, .*\n.*\nObjective\n  --beta NUMBER +Weight of the rate \(the KL term\); 1 for the ELBO\. Default 1\.\n"));
        Assert.That(options.Split('\n').Select(line => line.Length), Has.All.LessThanOrEqualTo(100));
    }

    [Test]
    public void EmptyArguments_AreNamed()
    {
        Assert.That(Support.Cli.Run("train", "--out", ""), Is.EqualTo((2, "", "onnxvae: --out is empty: give it a value, or leave it out. See 'onnxvae train --help'.\n")));
        Assert.That(Support.Cli.Run("generate", "", "--out", Folder["x"]), Is.EqualTo((2, "", "onnxvae: DECODER is empty: give it a value. See 'onnxvae generate --help'.\n")));
    }

    [Test]
    public void NamesWithLineEnds_StayOnOneLine() =>
        Assert.That(Support.Cli.Run("inspect", Folder["a\rb\nc"]).Error, Does.Match(@"^onnxvae: .*a\\u000db c'\.\n$"));

    [Test]
    public void Train_WithTooManyThreads_SaysHowManyThereMayBe()
    {
        int most = OnnxVae.Inference.OnnxDevice.MostThreads;

        var (exitCode, _, error) = Support.Cli.Run("train", "--threads", $"{most + 1}", "--out", Folder["x"]);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: --threads is {most + 1}; it must be at most {most}. See 'onnxvae train --help'."));
    }

    // libtorch adds a page of its own frames.
    [Test]
    public void Train_OfModelThatLibtorchCannotAllocate_SaysSoInOneLine()
    {
        var (exitCode, _, error) = Support.Cli.Run("train", "--model", "linear", "--latent", "65536", "--image-size", "4096", "--batch", "1", "--out", Folder["huge"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(error, Does.StartWith("onnxvae: libtorch: ").And.EndWith("Are the model's sizes too large for the memory?\n").And.Not.Contain("frame #"));
        Assert.That(Directory.Exists(Folder["huge"]), Is.False);
    }

    [Test]
    public void Train_IntoUnwritableFolder_SaysSo()
    {
        var (exitCode, _, error) = Support.Cli.Run("train", "--model", "mlp", "--steps", "1", "--out", "/proc/run");

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(error, Does.Contain("/proc/run"));
    }

    [Test]
    public void Generate_IntoNothing_SaysSo() =>
        Assert.That(Support.Cli.Run("generate", Decoder, "--out", "").Error.TrimEnd(), Is.EqualTo("onnxvae: --out is empty: give it a value, or leave it out. See 'onnxvae generate --help'."));

    [Test]
    public void Help_OfEveryVerb_HasAnExample(
        [Values("train", "compile", "evaluate", "prior", "classifier", "sweep", "export", "generate", "fit", "encode", "reconstruct", "traverse", "interpolate", "compress", "decompress", "serve", "inspect", "doctor")] string verb) =>
        Assert.That(Support.Cli.Run(verb, "--help").Output, Does.Contain($"Example: onnxvae {verb}"));
}
