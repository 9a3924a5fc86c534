using System.Globalization;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>How fast several processes train, since a command started them.</summary>
internal sealed class RankSpeed
{
    private long last;
    private double steps, time, busy; // time in units of a batch's images

    /// <param name="run">The run.</param>
    public RankSpeed(TrainingRun run)
    {
        run.Started += (_, start) => last = start.Step;
        run.Logged += (_, line) => Add(line);
    }

    /// <summary>Images per second, and the share of the time that went into anything but images.</summary>
    public override string ToString() => time == 0 ? "nothing was left to train"
        : string.Create(CultureInfo.InvariantCulture, $"{steps / time:N0} images per second; {1 - (busy / time):P0} of the time went into adding up gradients and waiting for each other");

    private void Add(LoggedStep line)
    {
        if (line.Values[MetricsLog.Speed] is > 0 and var speed)
        {
            double taken = (line.Step - last) / speed;
            steps += line.Step - last;
            time += taken;
            busy += taken * line.Values.GetValueOrDefault(MetricsLog.Efficiency);
        }

        last = line.Step;
    }
}
