using System.Globalization;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Cli.Verbs.Sweep;

/// <summary>The options of <c>sweep</c>.</summary>
internal sealed record SweepOptions : IChecked
{
    public const string Beta = "beta";
    public const string Lambda = "lambda";

    [Group]
    public RunOptions Run { get; init; } = new();

    [Option(Topic.Objective, "Weights of the rate, as in 0.5,1,2,4."), Weights(allowsZero: true)]
    public string? Betas { get; init; }

    [Option(Topic.Objective, "Weights of the distortion instead, for --likelihood squared-error, absolute-error and dissimilarity."), Weights(allowsZero: false)]
    public string? Lambdas { get; init; }

    [Option(Topic.Output, "Where the runs go, a folder each, with sweep.csv, sweep.png and report.html. Runs that are there already are continued, or taken as they are.", IsRequired = true)]
    public string Out { get; init; } = "";

    /// <summary>The option that is varied.</summary>
    public string Varied => Betas is null ? Lambda : Beta;

    /// <summary>Its values.</summary>
    public IReadOnlyList<double> Values => [.. (Betas ?? Lambdas)!.Split(',').Select(part => double.Parse(part, CultureInfo.InvariantCulture))];

    /// <inheritdoc/>
    /// <remarks>Varying a weight that the objective or the likelihood does not have would train the same model repeatedly.</remarks>
    public IEnumerable<string> FindFaults(GivenOptions given)
    {
        var model = Run.Model!;
        if (Run.Package is not null || given.Has(nameof(Betas)) == given.Has(nameof(Lambdas)))
        {
            yield return "A sweep takes either --betas or --lambdas, and no --package.";
        }
        else if (model.HasCodes)
        {
            yield return $"A sweep cannot be given with --model {model.Model}: its rate is fixed by the number of codes.";
        }
        else if (Betas is not null && (model.Samples > 1 || model.Capacity is not null))
        {
            yield return $"--betas cannot be given with {(model.Samples > 1 ? "--samples" : "--capacity")}: that objective has no weight of the rate.";
        }
        else if (given.Has(Varied == Beta ? nameof(model.Beta) : nameof(model.Lambda)))
        {
            yield return $"--{Varied} cannot be given with --{Varied}s: that is what the sweep varies.";
        }
        else if (Lambdas is not null && Likelihoods.Create(model, PixelMean.Sigmoid, scaling: null) is not RateDistortion)
        {
            yield return $"--lambdas needs a --likelihood with a weight: squared-error, absolute-error or dissimilarity; '{model.Likelihood ?? Likelihoods.Usual(isUnitRange: true)}' has none.";
        }
    }

    /// <summary>Numbers separated by commas.</summary>
    /// <param name="allowsZero">Whether 0 is allowed.</param>
    private sealed class WeightsAttribute(bool allowsZero) : RuleAttribute
    {
        public override string? FaultOf(string option, object value) =>
            ((string)value).Split(',').All(part => double.TryParse(part, CultureInfo.InvariantCulture, out double weight) && double.IsFinite(weight) && (weight > 0 || (weight == 0 && allowsZero)))
                && ((string)value).Split(',').Select(part => double.Parse(part, CultureInfo.InvariantCulture)).GroupBy(weight => weight).All(same => same.Count() == 1)
                ? null
                : $"{option} is '{value}'; expected {(allowsZero ? "numbers from 0" : "positive numbers")}, none of them twice, with commas between them, as in 0.5,1,2.";
    }
}
