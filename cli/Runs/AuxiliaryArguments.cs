using System.CommandLine;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>The options of verbs that train an auxiliary model of a run.</summary>
/// <param name="steps">How many steps it is trained for, if nothing else is said.</param>
internal sealed class AuxiliaryArguments(long steps)
{
    private readonly Argument<string> run = new("RUN") { Description = "The run." };
    private const int UsualBatch = 64;

    private readonly Option<int> batch = VerbOptions.Count("--batch", UsualBatch, 1, $"Images per step; {UsualBatch}, or the run's if that is smaller.", VerbOptions.LargestWidth);
    private readonly Option<double> learningRate = VerbOptions.Positive(new Option<double>("--learning-rate")
    {
        Description = "The largest step size; it falls to 0 along half a cosine.",
        DefaultValueFactory = _ => 1e-3,
    });

    private readonly Option<int> warmUp = VerbOptions.Count("--warm-up", 100, 0, "Steps in which the learning rate rises from 0.");
    private readonly Option<long> steps = VerbOptions.AtLeast(1, new Option<long>("--steps") { Description = "Training steps.", DefaultValueFactory = _ => steps });
    private readonly Option<ulong> seed = VerbOptions.Seed();
    private readonly Option<string> device = VerbOptions.Device();
    private readonly Option<int> threads = VerbOptions.Threads();
    private readonly Option<int> logEvery = VerbOptions.Count("--log-every", 50, 1, "Steps between lines of metrics.jsonl.");
    private readonly Option<int> checkpointEvery = VerbOptions.Count("--checkpoint-every", 500, 1, "Steps between checkpoints.");

    public void AddTo(Command command)
    {
        command.Arguments.Add(run);
        foreach (var option in (Option[])[batch, learningRate, warmUp, steps, seed, device, threads, logEvery, checkpointEvery])
        {
            command.Options.Add(option);
        }
    }

    public string Run(ParseResult result) => result.GetValue(run)!;

    /// <summary>How it is trained.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="autoencoder">The run of the autoencoder.</param>
    public AuxiliaryTraining Read(ParseResult result, RunFolder autoencoder) => new()
    {
        Batch = result.GetResult(batch) is { Implicit: false } ? result.GetValue(batch) : Math.Min(UsualBatch, autoencoder.ReadOptions<TrainOptions>().Model?.Batch ?? UsualBatch),
        LearningRate = result.GetValue(learningRate),
        WarmUp = result.GetValue(warmUp),
        Steps = result.GetValue(steps),
        Seed = result.GetValue(seed),
        Device = result.GetValue(device)!,
        Threads = result.GetValue(threads),
        LogEvery = result.GetValue(logEvery),
        CheckpointEvery = result.GetValue(checkpointEvery),
    };
}
