using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>A session whose inputs and outputs are bound once, for each of the two sets of states.</summary>
internal sealed class BoundSession : IDisposable
{
    private const int WarmUps = 2;
    private const int NotRecorded = -1;

    // One arena for all sessions, only one of which runs at a time: they share the memory instead of each holding its own.
    private static readonly Lazy<bool> SharedArena = new(() =>
    {
        using var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        using var defaults = new OrtArenaCfg(0, -1, -1, -1);
        OrtEnv.Instance().CreateAndRegisterAllocator(memory, defaults);
        return true;
    });

    private readonly OnnxSession session;
    private readonly StateBuffers states;
    private readonly OrtIoBinding[] bindings;
    private readonly RunOptions[] recorded;
    private readonly RunOptions unrecorded;
    private int runs;

    /// <param name="load">Loads the model.</param>
    /// <param name="inputs">The buffers of the inputs that are not states, on the device.</param>
    /// <param name="metrics">The buffers of the other outputs that are not states, on the host.</param>
    /// <param name="updates">The states that the model updates.</param>
    /// <param name="states">The states.</param>
    /// <param name="isFollowed">Whether another session runs right after each run of this one.</param>
    public BoundSession(
        Func<Action<SessionOptions>, OnnxSession> load, IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyDictionary<string, OrtValue> metrics, IReadOnlyList<string> updates,
        StateBuffers states, bool isFollowed)
    {
        this.states = states;
        session = load(options => Configure(options, isFollowed));
        try
        {
            bindings = [Bind(0), Bind(1)];
        }
        catch
        {
            session.Dispose();
            throw;
        }

        (recorded, unrecorded) = ([OptionsOf(1), OptionsOf(2)], OptionsOf(NotRecorded));

        OrtIoBinding Bind(int parity)
        {
            var binding = session.CreateBinding();
            foreach (string name in session.InputNames)
            {
                binding.BindInput(name, inputs.TryGetValue(name, out var input) ? input : states.Current(name, parity));
            }

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

        static RunOptions OptionsOf(int record)
        {
            var options = new RunOptions();
            options.AddRunConfigEntry("gpu_graph_id", record.ToString(CultureInfo.InvariantCulture));
            return options;
        }
    }

    /// <summary>
    /// Runs on the set of states of the given parity. Where a device records the kernels of a run to replay them, each set is a record of its own, made once the
    /// first runs have allocated all memory.
    /// </summary>
    public void Run(int parity) => session.Run(runs++ < WarmUps ? unrecorded : recorded[parity], bindings[parity]);

    /// <inheritdoc/>
    public void Dispose()
    {
        states.Memory.Release([.. bindings, .. recorded, unrecorded]);
        session.Dispose();
    }

    // Sessions take turns: one for most steps, one for steps with metrics, one for validation. A worker that spins after its session's run, in wait for more of it,
    // takes a processor from the next session, on virtual machines for as long as a whole step. But where the next session follows at once, one that spins for a
    // moment keeps its processor awake, and that session's worker starts sooner.
    private static void Configure(SessionOptions options, bool isFollowed)
    {
        options.AddSessionConfigEntry("session.use_env_allocators", SharedArena.Value ? "1" : "0");
        options.AddSessionConfigEntry("session.force_spinning_stop", isFollowed ? "0" : "1");
        if (isFollowed)
        {
            options.AddSessionConfigEntry("session.intra_op.spin_duration_us", "100");
        }
    }
}
