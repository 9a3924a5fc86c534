using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

/// <summary>Every exported file in a second build of the runtime.</summary>
internal sealed class WebRuntimeTests
{
    private const int Batch = 2;

    [SetUp]
    public void RequireNode()
    {
        if (!WebRuntime.IsAvailable)
        {
            Assert.Ignore("Node with npm is not installed: the exported files were not run in ONNX Runtime's WebAssembly build.");
        }
    }

    [Test]
    public void ExportedLayers_RunInWebAssembly_WithEqualResults()
    {
        using var web = new WebRuntime();
        foreach (var row in LayerRows.All)
        {
            using var layer = row.Make();
            var model = OnnxExporter.Build(layer, row.ModelInputs);
            web.Add(row.ToString(), model, row.ModelInputs.Zip(row.Data).ToDictionary(pair => pair.First.Name, pair => pair.Second));
        }

        web.AssertEqualResults();
    }

    [Test]
    public void ExportedNetworksAndTheirTrainingSteps_RunInWebAssembly_WithEqualResults()
    {
        using var web = new WebRuntime();
        foreach (var row in NetworksTests.Rows)
        {
            torch.random.manual_seed(3);
            using var network = row.Build();
            float[] data = Numbers.StandardNormal(Batch * row.Input.ElementCount, 5);
            var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [Shape.Batch, .. row.Input])]);
            web.Add(row.Name, model, new Dictionary<string, Array> { ["input"] = data });

            var program = NetworksTests.TrainingStep(row, network, Batch);
            var inputs = program.States.ToDictionary(state => state.Spec.Name, state => GraphRunner.ToArray(state.Initial));
            foreach (var input in program.Inputs)
            {
                inputs[input.Spec.Name] = input.Spec.Schedule is { } schedule
                    ? (float[])[(float)schedule.At(1)]
                    : Numbers.StandardNormal(input.Spec.Shape.ElementCount, 7);
            }

            web.Add($"training step of {row.Name}", program.Compile().Model, inputs);
        }

        web.AssertEqualResults();
    }
}
