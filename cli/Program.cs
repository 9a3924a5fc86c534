using System.CommandLine;
using OnnxVae.Cli;
using OnnxVae.Cli.Verbs;
using OnnxVae.Exporters.Modules;

TorchNativeLibrary.Prepare();

var root = new RootCommand("Trains variational autoencoders and ships them as ONNX files.")
{
    TrainVerb.Create(),
    CompileVerb.Create(),
    EvaluateVerb.Create(),
    ExportVerb.Create(),
    GenerateVerb.Create(),
    EncodeVerb.Create(),
    ReconstructVerb.Create(),
    InspectVerb.Create(),
    DoctorVerb.Create(),
};
root.Options.Add(Execution.Verbose);
return await Execution.InvokeAsync(root.Parse(args));
