using System.CommandLine;
using OnnxVae.Cli.Runs;
using OnnxVae.Models;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli;

/// <summary>The options of <c>train</c> and <c>compile</c>, from the command line to records.</summary>
internal sealed class TrainArguments
{
    private const int DefaultEpochs = 10;
    private const long DefaultStepsOfSprites = 7000; // of which there are so many that an epoch takes long

    private readonly Option<string> data = new("--data")
    {
        Description = "sprites (built in), a folder of IDX files or images, a .tar, .tar.gz or .zip of images, a .npy or .npz.",
        DefaultValueFactory = _ => "sprites",
    };

    private readonly Option<int?> imageSize = VerbOptions.ImageSize();
    private readonly Option<int?> channels = VerbOptions.Channels();
    private readonly Option<bool> skipCorrupt = VerbOptions.SkipCorrupt();
    private readonly Option<bool> binarize = VerbOptions.Binarize();
    private readonly Option<string?> package = new("--package") { Description = "Train a package that was compiled before; needs no TorchSharp." };
    private readonly Option<string> model = Named("--model", "conv", "The network", VaeCatalog.ModelNames);
    private readonly Option<string?> hidden = new("--hidden") { Description = "Widths of the encoder's hidden dense layers, as in 512,256; the decoder has them in reverse." };
    private readonly Option<string> likelihood = Named("--likelihood", "bernoulli", "P(y|z)", VaeCatalog.LikelihoodNames);
    private readonly Option<string> schedule = Named("--learning-rate-schedule", "constant", "After the warm-up", ModelCompilation.ScheduleNames);

    private readonly Option<double> sigma = VerbOptions.Positive(new Option<double>("--sigma")
    {
        Description = "Standard deviation of a pixel for --likelihood gaussian; pixels are in [0, 1].",
        DefaultValueFactory = _ => 1,
    });

    private readonly Option<double> lambda = VerbOptions.Positive(new Option<double>("--lambda")
    {
        Description = "Nats per unit of distortion, for --likelihood squared-error, absolute-error and dissimilarity.",
        DefaultValueFactory = _ => 1,
    });

    private readonly Option<string> pixels = Named("--pixels", "grey", "What the model sees: grey values, 0 and 1 by a threshold, or 0 and 1 drawn anew each time", VaeCatalog.PixelNames);
    private readonly Option<int> latent = VerbOptions.Count("--latent", 10, 1, "Number of latents.", VerbOptions.LargestWidth);
    private readonly Option<string> prior = Named("--prior", "standard-normal", "P(z)", VaeCatalog.PriorNames);
    private readonly Option<int> pseudoImages = VerbOptions.Count("--pseudo-images", 500, 1, "Components of --prior vamp.", VerbOptions.LargestWidth);
    private readonly Option<bool> rounded = new("--rounded")
    {
        Description = "Round the latents to whole numbers that can be stored: noise in training, and a learned density instead of --prior.",
    };

    private readonly Option<double> beta = VerbOptions.AtLeast(0, new Option<double>("--beta")
    {
        Description = "Weight of the rate; 1 for the ELBO.",
        DefaultValueFactory = _ => 1,
    });

    private readonly Option<int> betaWarmUp = VerbOptions.Count("--beta-warm-up", 0, 0, "Steps in which beta rises from 0.");
    private readonly Option<int> betaCycles = VerbOptions.Count("--beta-cycles", 0, 0, "How many times beta rises from 0 during training, in the first half of each cycle.");
    private readonly Option<double?> freeBits = VerbOptions.Positive(new Option<double?>("--free-bits") { Description = "Nats that each latent may spend without being charged." });
    private readonly Option<double?> capacity = VerbOptions.AtLeast(0, new Option<double?>("--capacity")
    {
        Description = "Rate to aim at, nats per image, instead of --beta; it rises from 0 over the first half of training.",
    });

    private readonly Option<double> capacityWeight = VerbOptions.Positive(new Option<double>("--capacity-weight")
    {
        Description = "Weight of the rate's distance to --capacity.",
        DefaultValueFactory = _ => 100,
    });

    private readonly Option<int> samples = VerbOptions.Count("--samples", 1, 1, "Samples of the latents per image; more than one trains the importance-weighted bound.", 4096);
    private readonly Option<int?> epochs = VerbOptions.AtLeast(1, new Option<int?>("--epochs") { Description = "Passes over the training images; if neither these nor --steps are given, 10, or 7000 steps for the built-in sprites." });
    private readonly Option<long?> steps = VerbOptions.AtLeast(1, new Option<long?>("--steps") { Description = "Training steps, instead of --epochs." });
    private readonly Option<int> batch = VerbOptions.Count("--batch", 64, 1, "Images per step.", VerbOptions.LargestWidth);

    private readonly Option<double> learningRate = VerbOptions.Positive(new Option<double>("--learning-rate")
    {
        Description = "The optimizer's step size; the largest one of a schedule.",
        DefaultValueFactory = _ => 1e-3,
    });

    private readonly Option<string> optimizer = Named("--optimizer", "adam", "The update rule", VaeCatalog.OptimizerNames);

    private readonly Option<double?> clipGradient = VerbOptions.Positive(new Option<double?>("--clip-gradient")
    {
        Description = "Largest length of all gradients together; no limit if left out.",
    });

    private readonly Option<double?> weightAveraging = VerbOptions.Share(new Option<double?>("--weight-averaging")
    {
        Description = "Decay of the weights' moving average, as 0.999; the average is then what is evaluated and exported.",
    });

    private readonly Option<bool> precise = new("--precise")
    {
        Description = "Compute convolutions as they are defined, where a faster way would round a little more.",
    };

    private readonly Option<string> quantizer = Named("--quantizer", "moving-average", "How vectors become codes, for --model vqvae and vqvae2", VaeCatalog.QuantizerNames);
    private readonly Option<int> codes = VerbOptions.Count("--codes", 512, 2, "Codes of each codebook.", VerbOptions.LargestWidth);
    private readonly Option<int> codeLength = VerbOptions.Count("--code-length", 64, 1, "Numbers of a code's vector.", VerbOptions.LargestChannels);
    private readonly Option<string> scalarLevels = new("--scalar-levels")
    {
        Description = "Levels of each number of a vector, for --quantizer finite-scalar; codes and their length follow.",
        DefaultValueFactory = _ => "8,8,8",
    };

    private readonly Option<double> commitment = VerbOptions.Positive(new Option<double>("--commitment")
    {
        Description = "Weight of what keeps vectors near their codes.",
        DefaultValueFactory = _ => 0.25,
    });

    private readonly Option<double> codebookDecay = VerbOptions.Share(new Option<double>("--codebook-decay")
    {
        Description = "How much of a codebook's moving averages stays at a step.",
        DefaultValueFactory = _ => 0.99,
    });

    private readonly Option<int> width = VerbOptions.Count("--width", 128, 2, "Channels of the convolutions between images and codes.", VerbOptions.LargestChannels);
    private readonly Option<int> residualWidth = VerbOptions.Count("--residual-width", 64, 1, "Channels inside residual blocks.", VerbOptions.LargestChannels);
    private readonly Option<int> residualBlocks = VerbOptions.Count("--residual-blocks", 2, 0, "Residual blocks of each encoder and decoder.", 256);
    private readonly Option<int> warmUp = VerbOptions.Count("--warm-up", 0, 0, "Steps in which the learning rate rises from 0.");
    private readonly Option<ulong> seed = VerbOptions.Seed();
    private readonly Option<string> device = VerbOptions.Device();
    private readonly Option<int> threads = VerbOptions.Threads();
    private readonly Option<int> logEvery = VerbOptions.Count("--log-every", 50, 1, "Steps between lines of metrics.jsonl.");
    private readonly Option<int> checkpointEvery = VerbOptions.Count("--checkpoint-every", 500, 1, "Steps between checkpoints and sample grids.");
    private readonly Option<int> importanceSamples = VerbOptions.ImportanceSamples();

    /// <summary>What a package already fixes.</summary>
    private Option[] ModelOptions =>
    [
        model, likelihood, sigma, lambda, pixels, .. VectorOptions, .. CodeOptions,
        batch, learningRate, schedule, warmUp, optimizer, clipGradient, weightAveraging, precise,
    ];

    /// <summary>Options of models whose latents are numbers.</summary>
    private Option[] VectorOptions => [hidden, latent, prior, pseudoImages, rounded, beta, betaWarmUp, betaCycles, freeBits, capacity, capacityWeight, samples];

    /// <summary>Options of models whose latents are codes.</summary>
    private Option[] CodeOptions => [quantizer, codes, codeLength, scalarLevels, commitment, codebookDecay, width, residualWidth, residualBlocks];

    /// <summary>Of quantizers with a codebook.</summary>
    private Option[] CodebookOptions => [codes, codeLength, commitment, codebookDecay];

    private Option[] DataOptions => [data, imageSize, channels, skipCorrupt, binarize];

    private Option[] RunOptions => [epochs, steps, seed, device, threads, logEvery, checkpointEvery, importanceSamples];

    public void AddForTraining(Command command) => Add(command, [.. DataOptions, package, .. ModelOptions, .. RunOptions]);

    public void AddForCompiling(Command command) => Add(command, [.. DataOptions, .. ModelOptions, epochs, steps, seed]);

    public TrainOptions Read(ParseResult result)
    {
        if (IsGiven(result, package) && ModelOptions.FirstOrDefault(option => IsGiven(result, option)) is { } fixedOption)
        {
            throw new UsageException($"{fixedOption.Name} cannot be given with --package: the package was compiled with its own.");
        }

        if (IsGiven(result, epochs) && IsGiven(result, steps))
        {
            throw new UsageException("Give --epochs or --steps, not both.");
        }

        bool hasCodes = VaeCatalog.HasCodes(result.GetValue(model)!);
        if ((hasCodes ? VectorOptions : CodeOptions).FirstOrDefault(option => IsGiven(result, option)) is { } foreign)
        {
            throw new UsageException(
                $"{foreign.Name} cannot be given with --model {result.GetValue(model)}: {(hasCodes ? "its latents are codes" : $"it is for {VaeCatalog.OneLevel} and {VaeCatalog.TwoLevels}, whose latents are codes")}.");
        }

        bool hasScalars = result.GetValue(quantizer) == VaeCatalog.FiniteScalar;
        if ((hasScalars ? CodebookOptions : [scalarLevels]).FirstOrDefault(option => IsGiven(result, option)) is { } other)
        {
            throw new UsageException($"{other.Name} cannot be given with --quantizer {result.GetValue(quantizer)}: {(hasScalars ? "it has no codebook" : $"only {VaeCatalog.FiniteScalar} has levels")}.");
        }

        return Collect(result);
    }

    /// <summary>Requires options that are given for a run that resumes to be those that it was started with.</summary>
    /// <exception cref="UsageException">An option differs.</exception>
    public void RequireSame(ParseResult result, TrainOptions stored)
    {
        var given = ((Option[])[.. DataOptions, package, .. ModelOptions, .. RunOptions]).Where(option => IsGiven(result, option)).Select(OptionNames.InFile);
        if (StoredOptions.FirstDifference(StoredOptions.Flatten(Collect(result)), StoredOptions.Flatten(stored), given) is { } difference)
        {
            throw new UsageException(
                $"{OptionNames.OnCommandLine(difference.Name)} is {difference.Here}, but the run was started with {difference.There?.ToString() ?? "none"}: leave it out to resume, or start a new run in another folder.");
        }
    }

    private static bool IsGiven(ParseResult result, Option option) => result.GetResult(option) is { Implicit: false };

    private static void Add(Command command, IEnumerable<Option> options)
    {
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    private TrainOptions Collect(ParseResult result) => new()
    {
        Data = Path.Exists(result.GetValue(data)) ? Path.GetFullPath(result.GetValue(data)!) : result.GetValue(data)!,
        ImageSize = result.GetValue(imageSize),
        Channels = result.GetValue(channels),
        SkipCorrupt = result.GetValue(skipCorrupt),
        Binarize = result.GetValue(binarize),
        Package = result.GetValue(package),
        Model = IsGiven(result, package) ? null : new ModelOptions
        {
            Model = result.GetValue(model)!,
            Hidden = result.GetValue(hidden),
            Likelihood = result.GetValue(likelihood)!,
            Sigma = result.GetValue(sigma),
            Lambda = result.GetValue(lambda),
            Pixels = result.GetValue(pixels)!,
            Latent = result.GetValue(latent),
            Prior = result.GetValue(prior)!,
            PseudoImages = result.GetValue(pseudoImages),
            Rounded = result.GetValue(rounded),
            Beta = result.GetValue(beta),
            BetaWarmUp = result.GetValue(betaWarmUp),
            BetaCycles = result.GetValue(betaCycles),
            FreeBits = result.GetValue(freeBits),
            Capacity = result.GetValue(capacity),
            CapacityWeight = result.GetValue(capacityWeight),
            Samples = result.GetValue(samples),
            Batch = result.GetValue(batch),
            LearningRate = result.GetValue(learningRate),
            LearningRateSchedule = result.GetValue(schedule)!,
            WarmUp = result.GetValue(warmUp),
            Optimizer = result.GetValue(optimizer)!,
            ClipGradient = result.GetValue(clipGradient),
            WeightAveraging = result.GetValue(weightAveraging),
            Precise = result.GetValue(precise),
            Quantizer = result.GetValue(quantizer),
            Codes = result.GetValue(codes),
            CodeLength = result.GetValue(codeLength),
            ScalarLevels = result.GetValue(scalarLevels),
            Commitment = result.GetValue(commitment),
            CodebookDecay = result.GetValue(codebookDecay),
            Width = result.GetValue(width),
            ResidualWidth = result.GetValue(residualWidth),
            ResidualBlocks = result.GetValue(residualBlocks),
        },
        Epochs = result.GetValue(epochs) ?? (result.GetValue(steps) is null && result.GetValue(data) != Sprites.Name ? DefaultEpochs : null),
        Steps = result.GetValue(steps) ?? (result.GetValue(epochs) is null && result.GetValue(data) == Sprites.Name ? DefaultStepsOfSprites : null),
        Seed = result.GetValue(seed),
        Device = result.GetValue(device)!,
        Threads = result.GetValue(threads),
        LogEvery = result.GetValue(logEvery),
        CheckpointEvery = result.GetValue(checkpointEvery),
        ImportanceSamples = result.GetValue(importanceSamples),
    };

    private static Option<string> Named(string name, string value, string what, IReadOnlyCollection<string> known) =>
        VerbOptions.Among(known, new Option<string>(name) { Description = $"{what}: {string.Join(", ", known)}.", DefaultValueFactory = _ => value });
}
