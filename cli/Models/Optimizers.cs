using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;

namespace OnnxVae.Cli.Models;

/// <summary>Optimizers by name; <c>sgd</c> uses Nesterov momentum, the others libtorch's defaults.</summary>
internal sealed class Optimizers : INamed
{
    public const string Sgd = "sgd";

    private static readonly Dictionary<string, Func<Schedule, ModelOptions, Optimizer>> Table = new()
    {
        ["adam"] = (learningRate, _) => new Adam(learningRate),
        ["adamw"] = (learningRate, _) => new AdamW(learningRate),
        ["adamax"] = (learningRate, _) => new Adamax(learningRate),
        ["rmsprop"] = (learningRate, _) => new RmsProp(learningRate),
        [Sgd] = (learningRate, options) => new Sgd(learningRate, options.Momentum, nesterov: true),
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Creates the optimizer that options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Number of training steps.</param>
    public static Optimizer Create(ModelOptions options, long steps) => Table[options.Optimizer](LearningRates.Create(options, steps), options);

    /// <summary>The optimizers of parameters whose learning rate is multiplied by a factor, by the parameters' pattern.</summary>
    /// <inheritdoc cref="Create"/>
    public static IReadOnlyDictionary<string, Optimizer> Groups(ModelOptions options, long steps) => FactorsAttribute.Parse(options.LearningRateFactors)
        .ToDictionary(entry => entry.Pattern, entry => Create(options with { LearningRate = options.LearningRate * entry.Factor }, steps));
}

/// <summary>Learning rate schedules by name.</summary>
internal sealed class LearningRates : INamed
{
    public const string Constant = "constant";
    public const string Step = "step";

    private const double UsualRisingShare = 0.3;
    private const int StepFalls = 2; // a tenth after a third of the training, a hundredth after two thirds

    private static readonly Dictionary<string, Func<ModelOptions, long, Schedule>> Table = new()
    {
        [Constant] = (options, _) => new WarmUpSchedule(options.LearningRate, options.WarmUp),
        ["cosine"] = (options, steps) => new CosineSchedule(options.LearningRate, options.WarmUp, steps),
        ["one-cycle"] = (options, steps) => new OneCycleSchedule(options.LearningRate, steps, options.WarmUp > 0 ? (double)options.WarmUp / steps : UsualRisingShare),
        [Step] = (options, steps) => new StepSchedule(options.LearningRate, Math.Max(1, (steps + StepFalls) / (StepFalls + 1))),
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Creates the schedule that options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Number of training steps.</param>
    public static Schedule Create(ModelOptions options, long steps) => Table[options.LearningRateSchedule](options, steps);
}

/// <content>Optimizers.</content>
internal sealed partial record ModelOptions
{
    [Option(Topic.Optimization, "The update rule."), Among<Optimizers>, JsonRequired]
    public string Optimizer { get; init; } = "adam";

    [Option(Topic.Optimization, "Nesterov momentum of --optimizer sgd; 0 for plain gradient descent."), Share]
    public double Momentum { get; init; } = 0.9;

    [Option(Topic.Optimization, "Learning rate; the peak value if there is a schedule."), Positive]
    public double LearningRate { get; init; } = 1e-3;

    [Option(Topic.Optimization, "Learning rate schedule after the warm-up."), Among<LearningRates>, JsonRequired]
    public string LearningRateSchedule { get; init; } = LearningRates.Constant;

    [Option(Topic.Optimization, "Steps in which the learning rate rises from 0."), Between(0, BetweenAttribute.LargestCount)]
    public int WarmUp { get; init; }

    [Option(Topic.Optimization, "Steps that schedules span (learning rate, --beta-cycles, --capacity); those of the run if left out. Give it if the run may be continued later."), AtLeast(1)]
    public long? ScheduleSteps { get; init; }

    [Option(Topic.Optimization, "Learning-rate factors for some parameters, chosen as by --freeze: encoder=0.1,decoder.0=0.5."), Factors]
    public string? LearningRateFactors { get; init; }

    [Option(Topic.Optimization, "Parameters to leave unchanged: encoder, decoder, module paths or names, with * for any characters, separated by commas.")]
    public string? Freeze { get; init; }

    [Option(Topic.Optimization, "Clip the global gradient norm to this; no limit if omitted."), Positive]
    public double? ClipGradient { get; init; }

    [Option(Topic.Optimization, "Decay of an exponential moving average of the weights, such as 0.999, which is then evaluated and exported."), Share]
    public double? WeightAveraging { get; init; }

    /// <summary>The names of <see cref="Freeze"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Frozen => Freeze?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private IEnumerable<string> OptimizerFaults(GivenOptions given) =>
    [
        .. given.Has(nameof(Momentum)) && Optimizer != Optimizers.Sgd ? ["--momentum needs --optimizer sgd."] : Array.Empty<string>(),
        .. LearningRateSchedule == LearningRates.Step && WarmUp > 0 ? ["--warm-up cannot be given with --learning-rate-schedule step: its first value is its largest."] : Array.Empty<string>(),
        .. Freeze is not null && Frozen.Count == 0 ? [$"--freeze is '{Freeze}'; expected names with commas between them, as in encoder,decoder.0."] : Array.Empty<string>(),
    ];
}
