using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Training.Data;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Steps;

const int batch = 64;
string folder = args is [var given] ? given : "trained-together";
using var group = MpiGroup.Join();
try
{
    // The first process compiles the model for parts that all of them can share; the others wait.
    if (group.Rank == 0 && !TrainingPackage.IsIn(Path.Combine(folder, "package")))
    {
        using var networks = new VaeNetworks(new MlpNetwork(100), new ExampleShape(1, 16, 16), latents: 5, seed: 1);
        var compiler = new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = batch, Optimizer = new Adam(new ConstantSchedule(1e-3)) });
        compiler.Write(Path.Combine(folder, "package"), partSize: BatchPlan.PartSizeFor(batch, accumulate: 1, group.Size));
    }

    group.Broadcast("compiled");
    var package = TrainingPackage.Open(Path.Combine(folder, "package"));
    await TrainAsync(package, ImageData.Open("sprites", new ImageOptions { Size = (16, 16) }).Train);
}
catch (Exception e)
{
    Console.Error.WriteLine($"Process {group.Rank} of {group.Size}: {e.Message}");
    group.Abort(1);
}

async Task TrainAsync(TrainingPackage package, ImageSource images)
{
    var options = new TrainerOptions { Steps = 1000, Threads = 1, Group = group };
    if (group.Rank == 0)
    {
        using var trainer = Trainer.StartOrResume(package, new RunFolder(Path.Combine(folder, "run")), options);
        trainer.Logged += (_, line) => Console.WriteLine($"step {line.Step}, loss {line.Values["loss"]:0.0}, {line.Values["imagesPerSecond"]:0} images per second");
        await trainer.TrainAsync(images);
    }
    else
    {
        using var worker = new TrainingWorker(package, options);
        await worker.TrainAsync(images);
    }
}
