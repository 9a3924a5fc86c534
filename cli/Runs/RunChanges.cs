using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>What may change when a run is resumed, and what follows from it.</summary>
internal static class RunChanges
{
    private static readonly string[] OfSchedules =
    [
        .. ((string[])[nameof(ModelOptions.LearningRate), nameof(ModelOptions.LearningRateSchedule), nameof(ModelOptions.WarmUp), nameof(ModelOptions.ScheduleSteps), nameof(ModelOptions.LearningRateFactors)])
            .Select(OptionNames.OfProperty),
    ];

    /// <summary>Options that may change, by their names on the command line: the length, the learning rate, how often it writes, where it runs, where the images are.</summary>
    public static IEnumerable<string> Allowed => [.. RunOptions.Changeable, .. OptionNames.Of(typeof(LengthOptions)), .. OfSchedules, OptionNames.OfProperty(nameof(DataOptions.Data))];

    /// <summary>A run's options with some of those of the command that resumes it.</summary>
    /// <param name="stored">The run's options.</param>
    /// <param name="given">The options of the command.</param>
    /// <param name="names">The options that the command gave, by their names on the command line.</param>
    /// <exception cref="UsageException">They contradict each other, or the run has no such option.</exception>
    public static RunOptions Merge(RunOptions stored, RunOptions given, IEnumerable<string> names)
    {
        string[] changed = [.. names.Intersect(Allowed)], length = [.. OptionNames.Of(typeof(LengthOptions))];
        if (stored.Model is null && changed.Intersect(OfSchedules).FirstOrDefault() is { } option)
        {
            throw new UsageException($"{option} cannot change: the run trains the package '{stored.Package}', which was compiled with its own.");
        }

        var merged = JsonSerializer.Deserialize<RunOptions>(JsonSerializer.Serialize(stored, Manifest.JsonOptions), Manifest.JsonOptions)!;
        OptionRecord.Copy(changed.Intersect(length).Any() ? changed.Union(length) : changed, given, merged); // one of the length's two replaces the other
        try
        {
            OptionRecord.RequireValid(merged);
        }
        catch (InvalidDataException e)
        {
            throw new UsageException(e.Message);
        }

        if (!PatternsOf(stored).SequenceEqual(PatternsOf(merged)))
        {
            throw new UsageException(
                $"--learning-rate-factors is {merged.Model!.LearningRateFactors}, but the run was compiled with {stored.Model!.LearningRateFactors ?? "none"}: the factors may change, the parameters that they belong to may not.");
        }

        return merged;
    }

    private static IEnumerable<string> PatternsOf(RunOptions options) => FactorsAttribute.Parse(options.Model?.LearningRateFactors).Select(entry => entry.Pattern).Order(StringComparer.Ordinal);

    /// <summary>Stores changed options, gives the package their schedules, and records what changed and at which step. Where nothing changed, nothing is written.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="before">Its options so far.</param>
    /// <param name="after">Its options from now on.</param>
    /// <param name="train">The training images.</param>
    /// <exception cref="UsageException">The run cannot go on like that.</exception>
    public static void Apply(RunFolder folder, RunOptions before, RunOptions after, ImageSource train)
    {
        if (!TrainingPackage.IsIn(folder.Package))
        {
            folder.WriteOptions(after); // nothing has been trained yet
            return;
        }

        var package = TrainingPackage.Open(folder.Package);
        int batch = (int)package.Manifest.Step.Images.Shape[0];
        long done = folder.NewestStep, steps = after.Length.StepsFor(train, batch);
        if (steps < done)
        {
            throw new UsageException($"The run has done {done} steps, but {steps} are asked for: give more --steps or --epochs.");
        }

        if (after.Model is null && package.Steps is { } compiled && compiled != steps)
        {
            throw new UsageException($"The package's schedules were compiled for {compiled} steps, and cannot go on to {steps}: leave the length out to resume, or start a new run in another folder.");
        }

        long former = before.Length.StepsFor(train, batch);
        string[] changes =
        [
            .. steps == former ? [] : new[] { $"steps from {former} to {steps}" },
            .. StoredOptions.Differences(StoredOptions.Flatten(before), StoredOptions.Flatten(after), except: OptionNames.Of(typeof(LengthOptions)).Select(OptionNames.InFile)).Select(Describe),
        ];
        if (changes.Length > 0)
        {
            folder.WriteOptions(after);
            MetricsLog.Append(folder.Metrics, new JsonObject { ["step"] = done, [MetricsLog.Changed] = string.Join(", ", changes) });
        }

        // Compared with the package itself, so that nothing is left half changed after a crash.
        bool isRescheduled = after.Model is { } model && package.WriteSchedules(done, ModelSchedules.Of(model, steps), ModelSchedules.RequiredSteps(model, steps)).Changed.Count > 0;
        if (isRescheduled || steps != former)
        {
            File.Delete(folder.Evaluation); // of a run that was not this long, or trained otherwise
            File.Delete(folder.Report);
        }
    }

    private static string Describe(OptionDifference difference) => $"{OptionNames.InWords(difference.Name)} from {Text(difference.Here)} to {Text(difference.There)}";

    private static string Text(JsonNode? value) => value?.ToString() ?? "none";
}
