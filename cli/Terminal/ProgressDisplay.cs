using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace OnnxVae.Cli.Terminal;

/// <summary>A progress bar on a terminal, plain lines otherwise; both on standard error, so that results can be piped.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstLine = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestTime = TimeSpan.FromDays(1_000_000);
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Where progress bars are written; they contain terminal control sequences.</summary>
    public static TextWriter Output { get; set; } = TextWriter.Null;

    /// <summary>Takes the amount done, the total, and a short status text.</summary>
    public delegate void Report(long done, long total, string detail = "");

    public static async Task<T> RunAsync<T>(string title, Func<Report, Task<T>> work)
    {
        if (Notice.IsQuiet)
        {
            return await work((_, _, _) => { });
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Output) });
        if (Console.IsErrorRedirected || !console.Profile.Capabilities.Interactive)
        {
            return await work(PlainLines(title));
        }

        return await console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(context => work(Bar(context.AddTask(title), title)));
    }

    public static T Run<T>(string title, Func<Report, T> work) => RunAsync(title, report => Task.FromResult(work(report))).GetAwaiter().GetResult();

    public static void Run(string title, Action<Report> work) => Run(title, report =>
    {
        work(report);
        return true;
    });

    /// <summary>Does work without measurable progress; a line announces it if it takes longer than a second.</summary>
    public static T While<T>(string title, Func<T> work)
    {
        using var announcement = new Timer(_ => Notice.Say($"{title} ..."), null, Patience, Timeout.InfiniteTimeSpan);
        return work();
    }

    // Also for more than a day.
    private static string Hours(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time:mm\\:ss}");

    // A line after two seconds, and then every five; shorter work needs none.
    private static Report PlainLines(string title)
    {
        var time = Stopwatch.StartNew();
        TimeSpan next = FirstLine, since = TimeSpan.Zero;
        long? before = null; // the amount done at the first report
        return (done, total, detail) =>
        {
            if (before is null)
            {
                (before, since) = (done, time.Elapsed);
            }

            bool isEnd = done >= total && next > FirstLine;
            if (time.Elapsed < next && !isEnd)
            {
                return;
            }

            next = time.Elapsed + PlainInterval;
            string left = "";
            if (done > before && done < total)
            {
                double rate = (done - before.Value) / (time.Elapsed - since).TotalSeconds;
                left = string.Create(CultureInfo.InvariantCulture, $", {rate:0.#}/s, about {Hours(TimeSpan.FromSeconds(Math.Min((total - done) / rate, LongestTime.TotalSeconds)))} left");
            }

            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{title}: {done}/{total} after {time.Elapsed.TotalSeconds:0} s{left}{(detail.Length > 0 ? $", {detail}" : "")}"));
        };
    }

    private static Report Bar(ProgressTask task, string title)
    {
        var time = Stopwatch.StartNew();
        return (done, total, detail) =>
        {
            if (done == total || time.Elapsed >= BarInterval)
            {
                time.Restart();
                task.MaxValue = total;
                task.Value = done;
                string rate = task.Speed is { } speed ? string.Create(CultureInfo.InvariantCulture, $", {speed:0.#}/s") : "";
                task.Description = Markup.Escape(detail.Length > 0 ? $"{title} ({done}/{total}{rate}, {detail})" : $"{title} ({done}/{total}{rate})");
            }
        };
    }
}
