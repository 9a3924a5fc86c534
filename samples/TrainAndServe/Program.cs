using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

var data = ImageData.Open("sprites");                                  // built in; or your own: images, .tar, .zip, .npy, IDX files

// Compile: TorchSharp networks and an objective become a folder of ONNX files.
using var networks = new VaeNetworks(new MlpNetwork(400), new ExampleShape(1, 64, 64), latents: 10, seed: 1);
var model = new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo());
var package = new PackageCompiler(model, new TrainingOptions { BatchSize = 128, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).Write("package");

// Train: needs ONNX Runtime, and nothing of the above. Started again, it continues from its last checkpoint; a finished run stays as it is.
using var trainer = Trainer.StartOrResume(package, new RunFolder("run"), new TrainerOptions { Steps = 500, Seed = 1, Device = OnnxDevice.Cpu, LogEvery = 10, CheckpointEvery = 100 });
trainer.Progressed += (_, progress) => Console.Write($"\rstep {progress.Step}, loss {progress.Loss:0.0} ");
await trainer.TrainAsync(data.Train);
RunExport.Write(package, trainer.Snapshot(), "export");

// Serve: a file and ONNX Runtime are all it takes.
using var decoder = VaeDecoder.Load("export/decoder.onnx");
float[] images = decoder.Generate(count: 16, seed: 1);                 // [16, C, H, W], values in [0, 1]
