using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace OnnxVae.Inference;

/// <summary>
/// The telemetry of encoders and decoders: an activity <c>onnxvae.run</c> for each run, the counter <c>onnxvae.images</c>
/// ({image}) and the histogram <c>onnxvae.run.duration</c> (seconds), all with the tags <c>onnxvae.kind</c> and <c>onnxvae.device</c>.
/// </summary>
public static class VaeTelemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "OnnxVae.Inference";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Images = Meter.CreateCounter<long>("onnxvae.images", "{image}", "Images that were encoded or decoded.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("onnxvae.run.duration", "s", "Time of a run, without waiting for others.");

    /// <summary>Starts observing a run; disposing ends it.</summary>
    internal static Run Observe(string kind, string device, int images) => new(kind, device, images);

    internal sealed class Run : IDisposable
    {
        private readonly Activity? activity;
        private readonly long start = Stopwatch.GetTimestamp();
        private readonly TagList tags;
        private readonly int images;
        private bool hasSucceeded;

        public Run(string kind, string device, int images)
        {
            this.images = images;
            tags = new TagList { { "onnxvae.kind", kind }, { "onnxvae.device", device } };
            activity = Source.StartActivity("onnxvae.run");
            activity?.SetTag("onnxvae.kind", kind).SetTag("onnxvae.device", device).SetTag("onnxvae.images", images);
        }

        /// <summary>Marks the run as successful; a run that ends without this call has failed.</summary>
        public void Succeed() => hasSucceeded = true;

        public void Dispose()
        {
            if (hasSucceeded)
            {
                Images.Add(images, tags);
                Duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, tags);
            }
            else
            {
                activity?.SetStatus(ActivityStatusCode.Error);
            }

            activity?.Dispose();
        }
    }
}
