using System.Diagnostics;

namespace OnnxVae.Benchmarks;

/// <summary>Times what is run again and again.</summary>
internal static class Stopwatches
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(60); // for spinning threads to go to sleep

    /// <summary>Milliseconds of so many runs, after a pause and a run that is not counted.</summary>
    public static double[] Time(Action run, int runs)
    {
        Thread.Sleep(Pause);
        run();
        return [.. Enumerable.Range(0, runs).Select(_ => Time(run))];
    }

    /// <summary>Milliseconds of one run.</summary>
    public static double Time(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>The middle one of several times.</summary>
    public static double Median(IEnumerable<double> times)
    {
        double[] sorted = [.. times.Order()];
        return sorted[sorted.Length / 2];
    }
}
