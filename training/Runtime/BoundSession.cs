using Microsoft.ML.OnnxRuntime;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>
/// A session whose inputs and outputs are bound once, for each of the two sets of states. Devices other than the CPU
/// read their inputs when they are bound; there, every run binds them again.
/// </summary>
internal sealed class BoundSession : IDisposable
{
    // One arena for all sessions, only one of which runs at a time: they share the memory instead of each holding its own.
    private static readonly Lazy<bool> SharedArena = new(() =>
    {
        using var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        using var defaults = new OrtArenaCfg(0, -1, -1, -1);
        OrtEnv.Instance().CreateAndRegisterAllocator(memory, defaults);
        return true;
    });

    private readonly OnnxSession session;
    private readonly IReadOnlyDictionary<string, OrtValue> inputs;
    private readonly StateBuffers states;
    private readonly bool isOnProcessor;
    private readonly OrtIoBinding[] bindings;

    public BoundSession(
        Func<SessionOptions, OnnxSession> load, SessionOptions options, IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyDictionary<string, OrtValue> metrics, IReadOnlyList<string> updates,
        StateBuffers states, bool isOnProcessor)
    {
        (this.inputs, this.states, this.isOnProcessor) = (inputs, states, isOnProcessor);
        session = load(options);
        bindings = [Bind(0), Bind(1)];

        OrtIoBinding Bind(int parity)
        {
            var binding = session.CreateBinding();
            BindInputs(binding, parity);
            foreach (var (name, value) in metrics.Where(metric => session.Outputs.ContainsKey(metric.Key)))
            {
                binding.BindOutput(name, value);
            }

            foreach (string name in updates)
            {
                binding.BindOutput(ProgramSpec.NextName(name), states.Next(name, parity));
            }

            return binding;
        }
    }

    /// <summary>Makes sessions with these options share their memory.</summary>
    public static void ShareArena(SessionOptions options) =>
        options.AddSessionConfigEntry("session.use_env_allocators", SharedArena.Value ? "1" : "0");

    /// <summary>Runs on the set of states of the given parity.</summary>
    public void Run(RunOptions options, int parity)
    {
        if (!isOnProcessor)
        {
            BindInputs(bindings[parity], parity);
        }

        session.Run(options, bindings[parity]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var binding in bindings)
        {
            binding.Dispose();
        }

        session.Dispose();
    }

    private void BindInputs(OrtIoBinding binding, int parity)
    {
        foreach (string name in session.InputNames)
        {
            binding.BindInput(name, inputs.TryGetValue(name, out var input) ? input : states.Current(name, parity));
        }
    }
}
