using System.Text.Json;
using OnnxVae.Format;

namespace OnnxVae.Training.Runs;

/// <summary>Weights that a training starts from instead of random ones: those of a run, of a checkpoint, or of any safetensors file, such as one written by PyTorch.</summary>
public sealed class InitialWeights
{
    private const int MostNamed = 6; // in a message
    private static readonly string[] PickleExtensions = [".pt", ".pth", ".bin", ".ckpt", ".pkl"];

    private readonly IReadOnlyDictionary<string, Tensor> tensors;

    private InitialWeights(string path, IReadOnlyDictionary<string, Tensor> tensors) => (Path, this.tensors) = (path, tensors);

    /// <summary>Where they come from.</summary>
    public string Path { get; }

    /// <summary>Reads weights.</summary>
    /// <param name="path">A run's folder, of which the kept checkpoint is read; a checkpoint; or a safetensors file.</param>
    /// <param name="names">
    /// For weights under other names: the names in the file by those of the model, <c>{"encoder.1.weight": "fc1.weight"}</c>; several are joined along the first axis,
    /// <c>{"encoder.3.weight": ["fc21.weight", "fc22.weight"]}</c>. Null if they have the model's names.
    /// </param>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    /// <exception cref="InvalidDataException">It does not hold weights that can be read.</exception>
    public static InitialWeights Read(string path, IReadOnlyDictionary<string, IReadOnlyList<string>>? names = null)
    {
        var weights = new InitialWeights(path, Directory.Exists(path) ? OfRun(path) : OfFile(path));
        return names is null ? weights : new InitialWeights(path, weights.Renamed(names));
    }

    /// <summary>Reads a table of names, as <see cref="Read"/> takes it, from a JSON file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not such a table.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> ReadNames(string file)
    {
        try
        {
            return (JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(RegularFile.ReadText(file), Manifest.JsonOptions) ?? throw new JsonException()).ToDictionary(
                entry => entry.Key,
                entry => entry.Value.ValueKind == JsonValueKind.Array
                    ? (IReadOnlyList<string>)[.. entry.Value.EnumerateArray().Select(name => name.GetString() ?? throw new JsonException())]
                    : [entry.Value.GetString() ?? throw new JsonException()]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{file}': expected a JSON object as in {{\"encoder.1.weight\": \"fc1.weight\"}}; a list in place of a name joins tensors.", e);
        }
    }

    /// <summary>Makes them the initial states of a package: parameters and running statistics, and the averages of parameters that start from them.</summary>
    /// <param name="package">The package, whose file of initial states is replaced.</param>
    /// <returns>How many tensors were taken.</returns>
    /// <exception cref="InvalidDataException">A tensor is missing, unexpected, or of another type or shape.</exception>
    public int ApplyTo(TrainingPackage package)
    {
        var targets = TargetsOf(package);
        string[] faults = [.. FaultsOf(targets, WithoutPrefix(targets))];
        return faults.Length == 0 ? ApplyMatchingTo(package).Set : throw new InvalidDataException($"'{Path}' does not fit the model: {string.Join("; ", faults)}. Map the names, or take what matches.");
    }

    /// <summary>The same with those tensors that have the name, type and shape of one of the model's; the others keep the model's own initial values.</summary>
    /// <param name="package">The package, whose file of initial states is replaced.</param>
    /// <returns>How many tensors were taken, and which states kept their own initial values.</returns>
    /// <exception cref="InvalidDataException">No tensor matches.</exception>
    public (int Set, IReadOnlyList<string> Kept) ApplyMatchingTo(TrainingPackage package)
    {
        var targets = TargetsOf(package);
        var found = WithoutPrefix(targets);
        var states = package.ReadInitialStates().ToDictionary();
        var set = new HashSet<string>();
        foreach (var target in targets.Where(target => found.TryGetValue(target.Name, out var tensor) && tensor.Type == target.Type && tensor.Shape == target.Shape))
        {
            states[target.Name] = found[target.Name];
            set.Add(target.Name);
            if (states.ContainsKey(StateNames.AverageOf(target.Name)))
            {
                states[StateNames.AverageOf(target.Name)] = found[target.Name];
            }
        }

        if (set.Count == 0)
        {
            throw new InvalidDataException($"'{Path}' has no tensor with the name, type and shape of one of the model's: map the names.");
        }

        package.WriteInitialStates(states);
        return (set.Count, [.. targets.Select(target => target.Name).Except(set)]);
    }

    private static StateSpec[] TargetsOf(TrainingPackage package)
    {
        ArgumentNullException.ThrowIfNull(package);
        return [.. package.Manifest.States.Where(state => state.Role is StateRole.Parameter or StateRole.Frozen or StateRole.Statistic)];
    }

    private static IEnumerable<string> FaultsOf(IReadOnlyList<StateSpec> targets, IReadOnlyDictionary<string, Tensor> found)
    {
        string[] missing = [.. targets.Select(target => target.Name).Where(name => !found.ContainsKey(name))];
        string[] unexpected = [.. found.Keys.Except(targets.Select(target => target.Name)).Order(StringComparer.Ordinal)];
        string[] different = [.. targets.Where(target => found.TryGetValue(target.Name, out var tensor) && (tensor.Type != target.Type || tensor.Shape != target.Shape))
            .Select(target => $"{target.Name} is {found[target.Name].Type} {found[target.Name].Shape}, expected {target.Type} {target.Shape}")];
        (string What, string[] Names)[] faults = [("missing ", missing), ("unexpected ", unexpected), ("of another type or shape: ", different)];
        return faults.Where(part => part.Names.Length > 0).Select(part => $"{part.What}{Listed(part.Names)}");
    }

    private static string Listed(string[] names) => string.Join(", ", names.Take(MostNamed)) + (names.Length > MostNamed ? $" and {names.Length - MostNamed} more" : "");

    // Wrappers put their own name in front of all others: 'module.' for DistributedDataParallel, '_orig_mod.' for torch.compile.
    private IReadOnlyDictionary<string, Tensor> WithoutPrefix(IReadOnlyList<StateSpec> targets)
    {
        var own = targets.Select(target => FirstPart(target.Name)).ToHashSet();
        var found = tensors;
        while (found.Count > 0 && FirstPart(found.Keys.First()) is { } prefix && !own.Contains(prefix) && found.Keys.All(name => name.StartsWith($"{prefix}.", StringComparison.Ordinal)))
        {
            found = found.ToDictionary(entry => entry.Key[(prefix.Length + 1)..], entry => entry.Value);
        }

        return found;

        static string FirstPart(string name) => name.Split('.')[0];
    }

    private Dictionary<string, Tensor> Renamed(IReadOnlyDictionary<string, IReadOnlyList<string>> names)
    {
        var renamed = tensors.Where(entry => !names.Values.SelectMany(sources => sources).Contains(entry.Key)).ToDictionary();
        foreach (var (name, sources) in names)
        {
            renamed[name] = Joined(name, [.. sources.Select(source => tensors.GetValueOrDefault(source) ?? throw new InvalidDataException(
                $"'{Path}' has no tensor '{source}', which the table gives for '{name}'; it has {Listed([.. tensors.Keys.Order(StringComparer.Ordinal)])}."))]);
        }

        return renamed;
    }

    private Tensor Joined(string name, IReadOnlyList<Tensor> parts)
    {
        var first = parts.Count > 0 ? parts[0] : throw new InvalidDataException($"'{name}' is to come from no tensor: give the name of one.");
        return parts.Count == 1 ? first
            : parts.All(part => part.Type == first.Type && part.Shape.Rank > 0 && part.Shape.Skip(1).SequenceEqual(first.Shape.Skip(1)))
                ? new Tensor(first.Type, first.Shape.With(0, parts.Sum(part => part.Shape[0])), parts.SelectMany(part => part.Data.ToArray()).ToArray())
            : throw new InvalidDataException($"The tensors of '{Path}' that '{name}' is to be joined from have different shapes: {string.Join(", ", parts.Select(part => part.Shape))}.");
    }

    private static Dictionary<string, Tensor> OfRun(string folder)
    {
        var run = RunFolder.Open(folder);
        var package = TrainingPackage.Open(run.Package);
        var states = run.LoadKept(package).Checkpoint.States;
        return TargetsOf(package).ToDictionary(state => state.Name, state => Averaged(states, state.Name));
    }

    private static IReadOnlyDictionary<string, Tensor> OfFile(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no run or file '{path}'.");
        }

        if (IsPickle(path))
        {
            string target = System.IO.Path.ChangeExtension(path, ".safetensors");
            throw new InvalidDataException(
                $"'{path}' is a Python pickle, which can run code when it is loaded; convert it with: python -c \"import torch, safetensors.torch; " +
                $"file = torch.load(r'{path}', map_location='cpu', weights_only=True); weights = file.get('state_dict', file.get('model_state_dict', file)); " +
                $"safetensors.torch.save_file({{name: weight.clone().contiguous() for name, weight in weights.items() if torch.is_tensor(weight)}}, r'{target}')\"");
        }

        var (tensors, metadata) = Safetensors.Load(path);
        return Checkpoint.IsFormat(metadata) ? WeightsOf(tensors) : tensors;
    }

    // PyTorch's files are zip archives or bare pickles.
    private static bool IsPickle(string path)
    {
        Span<byte> start = stackalloc byte[2];
        using var file = RegularFile.Open(path);
        int read = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        return PickleExtensions.Contains(System.IO.Path.GetExtension(path).ToLowerInvariant()) || (read == 2 && (start.SequenceEqual("PK"u8) || (start[0] == 0x80 && start[1] is >= 2 and <= 5)));
    }

    // Averaged weights where there are such: they are what was evaluated.
    private static Tensor Averaged(IReadOnlyDictionary<string, Tensor> states, string name) => states.GetValueOrDefault(StateNames.AverageOf(name)) ?? states[name];

    // A checkpoint without its package: whatever belongs to one weight, such as a moment, has the weight's name at the end of its own.
    private static Dictionary<string, Tensor> WeightsOf(IReadOnlyDictionary<string, Tensor> states)
    {
        var names = states.Keys.ToHashSet();
        return states.Where(state => !IsOfAnother(state.Key) && state.Key != StateNames.ClippedShare).ToDictionary(state => state.Key, state => Averaged(states, state.Key));

        bool IsOfAnother(string name) => name.Select((character, i) => (character, i)).Any(at => at.character == '.' && names.Contains(name[(at.i + 1)..]));
    }
}
