using CustomModel;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Vae;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

string folder = args is [var given] ? given : "custom";
var data = ImageData.Open("sprites", new ImageOptions { Size = (32, 32) });
using var networks = new VaeNetworks(new SkipNetwork(Width: 128), new ExampleShape(1, 32, 32), latents: 8, seed: 1);
var model = new VaeModel(networks, new LaplaceLikelihood(scale: 0.1f), new RateBudget(budget: 12, price: 4));
var options = new TrainingOptions { BatchSize = 64, Optimizer = new Adam(new CosineSchedule(2e-3, WarmUpSteps: 50, TotalSteps: 600)) };
var package = new PackageCompiler(model, options).Write(Path.Combine(folder, "package"));

using var trainer = Trainer.StartOrResume(package, new RunFolder(Path.Combine(folder, "run")), new TrainerOptions { Steps = 600, Seed = 1, LogEvery = 10 });
trainer.Progressed += (_, progress) => Console.Write($"\rstep {progress.Step}, loss {progress.Loss:0.0} ");
await trainer.TrainAsync(data.Train);
RunExport.Write(package, trainer.Snapshot(), Path.Combine(folder, "export"));

var metrics = Evaluator.Evaluate(package, trainer.Snapshot(), data.Test, new EvaluatorOptions { ImportanceSamples = 0, Seed = 1 });
Console.WriteLine($"\nreconstruction loss {metrics.Distortion:0.0}, KL {metrics.Rate:0.0} nats per image");
