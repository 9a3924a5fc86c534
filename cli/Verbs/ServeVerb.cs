using System.CommandLine;
using Microsoft.Extensions.Hosting;
using OnnxVae.Cli.Page;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae serve</c>: a page to play with a model.</summary>
internal static class ServeVerb
{
    private const int DefaultPort = 8080;
    private const int LargestPort = 65535;

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "A run, or the folder of encoder.onnx and decoder.onnx." };
        var port = VerbOptions.AtMost(LargestPort, VerbOptions.AtLeast(0, new Option<int>("--port") { Description = "The port; 0 for one that is free.", DefaultValueFactory = _ => DefaultPort }));
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var command = new Command(
            "serve", "Opens a page on this machine, for this machine only: sliders over the latents, samples, reconstruction and interpolation of your images. Example: onnxvae serve runs/sprites")
        {
            folder, port, device, threads,
        };
        command.SetCancellableAction(async (result, cancellation) =>
        {
            string target = result.GetValue(folder)!;
            using var vae = TrainedVae.Load(ModelPath.Folder(target), new VaeOptions(OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads), WarmUp: true));
            await using var server = await PageServer.StartAsync(vae, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(target))), result.GetValue(port));
            Console.WriteLine($"Open {server.Urls.Single()} in a browser; Ctrl-C ends.");
            await server.WaitForShutdownAsync(cancellation);
            return 0;
        });
        return command;
    }
}
