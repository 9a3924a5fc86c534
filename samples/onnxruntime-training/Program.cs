// Trains the artifacts that 'onnxvae compile --format onnxruntime-training' writes with the official runtime, and saves a checkpoint that 'onnxvae export' reads.
// It is documentation: it compiles, but was not run, because its package could not be restored where it was written.
//   onnxvae compile --data sprites --image-size 16 --model mlp --batch 64 --steps 1000 --format onnxruntime-training --out artifacts
//   dotnet run -- artifacts
//   onnxvae export artifacts --checkpoint artifacts/trained --out export
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

const int batch = 64, side = 16, latents = 10, steps = 1000;
string folder = args is [var given] ? given : "artifacts";
using var state = CheckpointState.LoadCheckpoint(Path.Combine(folder, "checkpoint"));
using var session = new TrainingSession(
    state, Path.Combine(folder, "training_model.onnx"), Path.Combine(folder, "eval_model.onnx"), Path.Combine(folder, "optimizer_model.onnx"));
session.SetLearningRate(1e-3f); // the runtime starts with that, whatever the checkpoint says

// The inputs in the order of training_model.onnx: images, noise, schedules.
byte[] images = new byte[batch * side * side];
float[] noise = new float[batch * latents], beta = [1];
using var inputs = new Inputs
{
    Pin(images, TensorElementType.UInt8, batch, 1, side, side),
    Pin(noise, TensorElementType.Float, batch, latents),
    Pin(beta, TensorElementType.Float),
};
var random = new Random(1);
for (int step = 1; step <= steps; step++)
{
    FillWithSquares(images, random);
    for (int i = 0; i < noise.Length; i++)
    {
        noise[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())); // Box-Muller
    }

    using var results = session.TrainStep(inputs); // loss first, then the other metrics
    if (step % 100 == 0)
    {
        Console.WriteLine($"step {step}, loss {results.First().AsTensor<float>().GetValue(0):0.0}");
    }

    session.OptimizerStep();
    session.LazyResetGrad();
}

CheckpointState.SaveCheckpoint(state, Path.Combine(folder, "trained"), includeOptimizerState: true);

static FixedBufferOnnxValue Pin<T>(T[] data, TensorElementType type, params long[] shape) where T : unmanaged =>
    FixedBufferOnnxValue.CreateFromMemory<T>(OrtMemoryInfo.DefaultInstance, data, type, shape, data.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>());

static void FillWithSquares(byte[] images, Random random)
{
    Array.Clear(images);
    for (int image = 0; image < batch; image++)
    {
        int size = random.Next(3, 8), top = random.Next(side - size), left = random.Next(side - size);
        for (int row = top; row < top + size; row++)
        {
            images.AsSpan((((image * side) + row) * side) + left, size).Fill(255);
        }
    }
}

// Disposes its elements.
internal sealed class Inputs : List<FixedBufferOnnxValue>, IDisposable
{
    public void Dispose() => ForEach(value => value.Dispose());
}
