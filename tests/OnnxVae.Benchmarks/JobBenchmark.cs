using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using OnnxVae.Cli;
using OnnxVae.Inference;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Benchmarks;

/// <summary>The job <c>generate</c> against the runtime alone, and one decoder with one and with many callers.</summary>
/// <param name="Name">The model.</param>
/// <param name="BlockSize">Images at a time, in both.</param>
/// <param name="BareImagesPerSecond">A loop of <c>InferenceSession.Run</c> over the same latents, by the median run.</param>
/// <param name="NpyImagesPerSecond"><c>generate --out FILE.npy</c>, loading included, by the median run.</param>
/// <param name="NpyShare">The second over the first.</param>
/// <param name="PngImagesPerSecond"><c>generate --out FOLDER</c>.</param>
/// <param name="PngBusyShare">Processor time of that over the time of all threads.</param>
/// <param name="CallersShare">Images per second of 64 callers of one decoder, an image each, over those of one caller; all threads share each run.</param>
/// <param name="ThreadPerRunCallersShare">The same with a thread per run.</param>
public sealed record JobResult(
    string Name, int BlockSize, double BareImagesPerSecond, double NpyImagesPerSecond, double NpyShare, double PngImagesPerSecond, double PngBusyShare,
    double CallersShare, double ThreadPerRunCallersShare);

/// <summary>Times jobs.</summary>
internal static class JobBenchmark
{
    private const int Callers = 64;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    /// <summary>Runs the comparison for each model.</summary>
    public static IEnumerable<JobResult> Run(IEnumerable<BenchmarkModel> models, int threads, int blocks)
    {
        foreach (var model in models)
        {
            string folder = Directory.CreateTempSubdirectory("onnxvae-benchmark-").FullName, decoder = Path.Combine(folder, "decoder.onnx");
            try
            {
                Export(model, decoder);
                yield return Run(model, decoder, threads, blocks);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static JobResult Run(BenchmarkModel model, string decoder, int threads, int blocks)
    {
        using var bare = new BareLoop(model, decoder, threads);
        int count = bare.ImagesIn(Duration);
        var (bareTimes, npyTimes) = (new List<double>(), new List<double>());
        for (int block = 0; block < blocks; block++)
        {
            bareTimes.Add(Time(() => bare.Run(count)));
            string output = Path.Combine(Path.GetDirectoryName(decoder)!, $"{block}.npy");
            npyTimes.Add(Time(() => Generate(decoder, count, output, threads)));
            File.Delete(output);
        }

        var before = Process.GetCurrentProcess().TotalProcessorTime;
        int pngCount = Math.Min(count, 20_000);
        double pngTime = Time(() => Generate(decoder, pngCount, Path.Combine(Path.GetDirectoryName(decoder)!, "png"), threads));
        double busy = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds / (pngTime * threads);

        var (bareRate, npyRate) = (count / Stopwatches.Median(bareTimes), count / Stopwatches.Median(npyTimes));
        return new JobResult(model.Name, bare.BlockSize, bareRate, npyRate, npyRate / bareRate, pngCount / pngTime, busy,
            CallersShare(decoder, new VaeOptions { Threads = threads, WarmUp = true }, blocks),
            CallersShare(decoder, new VaeOptions { Threads = threads, ThreadsPerRun = 1, WarmUp = true }, blocks));
    }

    private static double CallersShare(string file, VaeOptions options, int blocks)
    {
        using var decoder = VaeDecoder.Load(file, options);
        int calls = Math.Max(Callers, (int)(Duration / TimeSpan.FromSeconds(Time(() => Call(decoder, Callers)) / Callers)));
        var (one, many) = (new List<double>(), new List<double>());
        for (int block = 0; block < blocks; block++)
        {
            one.Add(Time(() => Call(decoder, calls)));
            many.Add(Time(() =>
            {
                Thread[] callers = [.. Enumerable.Range(0, Callers).Select(_ => new Thread(() => Call(decoder, calls / Callers)))];
                Array.ForEach(callers, caller => caller.Start());
                Array.ForEach(callers, caller => caller.Join());
            }));
        }

        return calls / Callers * Callers / Stopwatches.Median(many) / (calls / Stopwatches.Median(one));
    }

    private static void Call(VaeDecoder decoder, int times)
    {
        float[] latents = new float[decoder.Metadata.LatentSize], image = new float[decoder.Metadata.ImageSize];
        for (int i = 0; i < times; i++)
        {
            decoder.Decode(latents, image);
        }
    }

    private static void Generate(string decoder, int count, string output, int threads)
    {
        var (console, error) = (Console.Out, Console.Error);
        Console.SetOut(TextWriter.Null);
        Console.SetError(TextWriter.Null);
        try
        {
            if (CommandLine.RunAsync(["generate", decoder, "--count", $"{count}", "--threads", $"{threads}", "--out", output]).GetAwaiter().GetResult() != 0)
            {
                throw new InvalidOperationException("The job failed.");
            }
        }
        finally
        {
            Console.SetOut(console);
            Console.SetError(error);
        }
    }

    private static void Export(BenchmarkModel model, string file)
    {
        using var vae = model.Build();
        vae.eval();
        var compiler = model.Compiler(vae);
        compiler.Deployable("decoder").AnyRuntime.Bake(compiler.Step().States.ToDictionary(state => state.Spec.Name, state => state.Initial)).Save(file);
    }

    private static double Time(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // What anybody would write who knows ONNX Runtime: one session on all threads, memory that stays.
    private sealed class BareLoop : IDisposable
    {
        private readonly InferenceSession session;
        private readonly RunOptions options = new();
        private readonly OrtValue latents;
        private readonly OrtValue images;

        public BareLoop(BenchmarkModel model, string file, int threads)
        {
            BlockSize = ImageBlocks.Size(model.Image.Dimensions);
            using var settings = new SessionOptions { IntraOpNumThreads = threads };
            session = new InferenceSession(file, settings);
            latents = OrtValue.CreateTensorValueFromMemory(new float[BlockSize * model.Latents], [BlockSize, model.Latents]);
            images = OrtValue.CreateTensorValueFromMemory(
                new float[BlockSize * model.Image.Dimensions], [BlockSize, model.Image.Channels, model.Image.Height, model.Image.Width]);
            Run(BlockSize);
        }

        public int BlockSize { get; }

        public int ImagesIn(TimeSpan duration) => (int)(duration.TotalSeconds / Time(() => Run(10 * BlockSize)) * 10) * BlockSize;

        public void Run(int count)
        {
            for (int done = 0; done < count; done += BlockSize)
            {
                session.Run(options, ["z"], [latents], ["image"], [images]);
            }
        }

        public void Dispose()
        {
            latents.Dispose();
            images.Dispose();
            options.Dispose();
            session.Dispose();
        }
    }
}
