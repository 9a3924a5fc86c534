using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>What changed when a run was resumed.</summary>
/// <param name="Step">The last step before the change.</param>
/// <param name="Text">The options with their former and their new values.</param>
internal sealed record RunChange(long Step, string Text);

/// <summary>What may change when a run is resumed, and what follows from it.</summary>
internal static class RunChanges
{
    private static readonly string[] OfSchedules =
    [
        .. ((string[])[nameof(ModelOptions.LearningRate), nameof(ModelOptions.LearningRateSchedule), nameof(ModelOptions.WarmUp), nameof(ModelOptions.ScheduleSteps), nameof(ModelOptions.LearningRateFactors)])
            .Select(OptionNames.OfProperty),
    ];

    /// <summary>
    /// Options that may change, by their names on the command line: the length, the learning rate, how often it writes, where it runs, where images and conditions are.
    /// </summary>
    /// <param name="stored">The run's options.</param>
    /// <param name="given">The options of the command that resumes it.</param>
    public static IEnumerable<string> AllowedFor(RunOptions stored, RunOptions given) =>
    [
        .. RunOptions.Changeable, .. OptionNames.Of(typeof(LengthOptions)), .. OfSchedules, OptionNames.OfProperty(nameof(DataOptions.Data)),
        .. Conditions.IsFile(stored.Data.Condition) && Conditions.IsFile(given.Data.Condition) ? [OptionNames.OfProperty(nameof(DataOptions.Condition))] : Array.Empty<string>(),
    ];

    /// <summary>A run's options with some of those of the command that resumes it.</summary>
    /// <param name="stored">The run's options.</param>
    /// <param name="given">The options of the command.</param>
    /// <param name="names">The options that the command gave, by their names on the command line.</param>
    /// <exception cref="UsageException">They contradict each other, or the run has no such option.</exception>
    public static RunOptions Merge(RunOptions stored, RunOptions given, IEnumerable<string> names)
    {
        string[] changed = [.. names.Intersect(AllowedFor(stored, given))], length = [.. OptionNames.Of(typeof(LengthOptions))];
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
                $"--learning-rate-factors is {merged.Model!.LearningRateFactors ?? "none"}, but the run was compiled with {stored.Model!.LearningRateFactors ?? "none"}: the factors may change, the parameters that they belong to may not.");
        }

        return merged;
    }

    private static IEnumerable<string> PatternsOf(RunOptions options) => FactorsAttribute.Parse(options.Model?.LearningRateFactors).Select(entry => entry.Pattern).Order(StringComparer.Ordinal);

    /// <summary>
    /// Stores changed options together with what changed after which step, gives the package their schedules, and writes the changes to the log. Each part is made up
    /// for at the next resume if a crash prevents it now.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="before">Its options so far.</param>
    /// <param name="after">Its options from now on.</param>
    /// <param name="train">The training images.</param>
    /// <returns>The options as they are stored.</returns>
    /// <exception cref="UsageException">The run cannot go on like that; nothing is changed.</exception>
    public static RunOptions Apply(RunFolder folder, RunOptions before, RunOptions after, ImageSource train)
    {
        if (!TrainingPackage.IsIn(folder.Package))
        {
            folder.WriteOptions(after); // nothing has been trained yet
            return after;
        }

        var package = TrainingPackage.Open(folder.Package);
        int batch = (int)package.Manifest.Step.Images.Shape[0];
        long done = folder.ListCheckpoints().Count == 0 ? 0 : folder.LoadNewest(package).Checkpoint.Step;
        long steps = after.StepsFor(train, batch), former = before.StepsFor(train, batch);
        RequirePossible(package, after, done, steps);
        var schedules = after.Model is { } model ? ModelSchedules.Of(model, steps) : null;
        string text = string.Join(", ", ((string[])[steps == former ? "" : $"steps from {former} to {steps}", Describe(before, after)]).Where(part => part.Length > 0));
        if (text.Length > 0)
        {
            bool isForTraining = steps != former || StoredOptions.Differences(StoredOptions.Flatten(before), StoredOptions.Flatten(after), OfSchedules.Select(OptionNames.InFile)).Any();
            if (isForTraining && steps > done && folder.IsEndedByPatience(package, after.Logging.ToTrainerOptions(steps, after.Seed, after.Execution)))
            {
                throw new UsageException($"--patience {after.Logging.Patience} has ended the run at step {done}: give a larger one to go on.");
            }

            after = after with { Changes = [.. after.Changes, new RunChange(done, text)] };
            folder.WriteOptions(after);
        }

        if (schedules is not null)
        {
            package.WriteSchedules(done, schedules, ModelSchedules.RequiredSteps(after.Model!, steps));
        }

        WriteToLog(folder.Metrics, after.Changes);
        return after;
    }

    private static void RequirePossible(TrainingPackage package, RunOptions options, long done, long steps)
    {
        if (steps < done)
        {
            throw new UsageException($"The run has done {done} steps, but {steps} are asked for: give more --steps or --epochs.");
        }

        if (options.Model is null && package.Steps is { } compiled && compiled != steps)
        {
            throw new UsageException($"The package's schedules were compiled for {compiled} steps, and cannot go on to {steps}: leave the length out to resume, or start a new run in another folder.");
        }
    }

    /// <summary>What differs between two sets of options, but for the length; empty if nothing does.</summary>
    public static string Describe<TOptions>(TOptions before, TOptions after) => string.Join(", ", StoredOptions
        .Differences(StoredOptions.Flatten(before), StoredOptions.Flatten(after), except: OptionNames.Of(typeof(LengthOptions)).Select(OptionNames.InFile)).Select(Describe));

    /// <summary>Writes those changes to a log that it does not have yet.</summary>
    public static void WriteToLog(string file, IEnumerable<RunChange> changes)
    {
        var logged = MetricsLog.Read(file).Where(line => line.ContainsKey(MetricsLog.Changed)).Select(line => new RunChange(line["step"]!.GetValue<long>(), $"{line[MetricsLog.Changed]}")).ToHashSet();
        foreach (var change in changes.Where(change => !logged.Contains(change)))
        {
            MetricsLog.Append(file, new JsonObject { ["step"] = change.Step, [MetricsLog.Changed] = change.Text });
        }
    }

    private static string Describe(OptionDifference difference) => $"{OptionNames.InWords(difference.Name)} from {Text(difference.Here)} to {Text(difference.There)}";

    private static string Text(JsonNode? value) => value?.ToString() ?? "none";
}
