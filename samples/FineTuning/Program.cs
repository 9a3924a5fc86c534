using FineTuning;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

string folder = args is [var given] ? given : "tuned";
var shapes = ImageData.Open("sprites", new ImageOptions { Size = (32, 32) }).WithValidation(0.002); // of 732,280
var scenes = ImageData.Open("scenes", new ImageOptions { Channels = 1 }).WithValidation(0.02);

// A first run on shapes. Its best checkpoint is kept, and it ends early if the validation loss stops falling. Started again, the program goes on where it was.
using var first = TrainingRun.StartOrResume(new RunFolder(Path.Combine(folder, "shapes")), new Settings("sprites"), RequireSame, package => Compile(package, new TrainingOptions
{
    BatchSize = 64,
    Optimizer = new Adam(new ConstantSchedule(2e-3)),
}));
first.Logged += (_, line) => Console.Write($"\rshapes: step {line.Step}, loss {line.Values["loss"]:0.0} ");
await first.TrainAsync(shapes.Train, new TrainerOptions { Steps = 400, ValidateEvery = 40, Patience = 5, Augmentation = new Augmentation { Flip = true, Shift = 2 } }, shapes.Validation);
Console.WriteLine($"\rshapes: best at step {first.Best!.Value.Step}, validation loss {first.Best.Value.Figure:0.0}");

// A second one on other images, from the first one's best weights: the encoder changes slowly, the first layer of the decoder not at all.
using var second = TrainingRun.StartOrResume(new RunFolder(Path.Combine(folder, "scenes")), new Settings("scenes"), RequireSame, package =>
{
    var compiled = Compile(package, new TrainingOptions
    {
        BatchSize = 64,
        Optimizer = new Adam(new ConstantSchedule(2e-3)),
        Groups = new Dictionary<string, Optimizer> { ["encoder"] = new Adam(new ConstantSchedule(2e-4)) },
        Frozen = ["decoder.0"],
    });
    InitialWeights.Read(first.Folder.Path).ApplyTo(compiled);
});
second.Logged += (_, line) => Console.Write($"\rscenes: step {line.Step}, loss {line.Values["loss"]:0.0} ");
await second.TrainAsync(scenes.Train, new TrainerOptions { Steps = 200, ValidateEvery = 20 }, scenes.Validation);
Console.WriteLine($"\rscenes: best at step {second.Best!.Value.Step}, validation loss {second.Best.Value.Figure:0.0}");

var best = second.Folder.LoadKept(second.Package).Checkpoint;
second.Export(best.States);
second.Finish(best, scenes.Test, "test", new() { ImportanceSamples = 0, Seed = 1 }, data: "scenes");
Console.WriteLine($"report: {second.Folder.Report}");

static void RequireSame(Settings stored, TrainingPackage package)
{
    // A program whose settings may differ from run to run compares them here.
}

static TrainingPackage Compile(string folder, TrainingOptions options)
{
    using var networks = new VaeNetworks(new MlpNetwork(200), new ExampleShape(1, 32, 32), latents: 8, seed: 1);
    return new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), options).Write(folder);
}
