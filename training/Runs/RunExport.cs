using System.Security.Cryptography;
using System.Text;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Training.Runs;

/// <summary>Bakes trained states into the deployable graphs of a package.</summary>
public static class RunExport
{
    // Fitted to latents, and only useful with the weights that produce them.
    private static readonly string[] FilesOfLatents = [ExportedFiles.Mixture, .. TrainedCodePrior.FilesOf(levels: 2)];

    private static readonly string[] FilesOfOneModel = [ExportedFiles.Encoder, ExportedFiles.Decoder, ExportedFiles.Colorizer, ExportedFiles.Prior, ExportedFiles.Density, ExportedFiles.Scorer, ExportedFiles.Imputer, .. FilesOfLatents];

    /// <summary>A deployable graph with its weights, whose id is in its metadata.</summary>
    /// <exception cref="InvalidDataException">A state is missing, or is not finite.</exception>
    /// <param name="package">The package.</param>
    /// <param name="role">Which graph: <c>encoder</c>, <c>decoder</c>.</param>
    /// <param name="states">The states, by name.</param>
    /// <param name="provider">The execution provider that the file is tuned for; null for operators that any runtime supports.</param>
    public static OnnxModel Bake(TrainingPackage package, string role, IReadOnlyDictionary<string, Tensor> states, string? provider = null)
    {
        package.RequireStates(states, package.Folder);
        RequireFinite(states);
        return package.ReadDeployable(role, provider).Bake(states, provider).WithMetadata(new Dictionary<string, string> { [MetadataKeys.Weights] = Identify(states) });
    }

    /// <summary>The id of a file's weights, or of those whose latents it was fitted to, as in <see cref="ModelMetadata.Weights"/>.</summary>
    /// <param name="file">An exported file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not an ONNX model.</exception>
    public static string? WeightsOf(string file) => OnnxModel.Load(file).Metadata.GetValueOrDefault(MetadataKeys.Weights);

    /// <summary>The id of states: 16 hexadecimal digits.</summary>
    /// <param name="states">The states, by name.</param>
    public static string Identify(IReadOnlyDictionary<string, Tensor> states)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, state) in states.OrderBy(state => state.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(state.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>
    /// Writes all of them into a folder. Earlier exports there that belong to another model or to other weights are deleted, for instance
    /// a prior of codes, unless it was trained for the same weights.
    /// </summary>
    /// <inheritdoc cref="Bake"/>
    /// <returns>The files.</returns>
    public static IReadOnlyList<string> Write(TrainingPackage package, IReadOnlyDictionary<string, Tensor> states, string folder, string? provider = null)
    {
        if (Path.GetFullPath(folder) == Path.GetFullPath(package.Folder))
        {
            throw new IOException($"'{folder}' is the package itself, whose graphs without weights have the same names: choose another folder.");
        }

        Directory.CreateDirectory(folder);
        string weights = Identify(states);
        string? threshold = ThresholdIn(folder, weights);
        foreach (string stale in FilesOfOneModel.Except(package.Manifest.Deployables.Values.Select(graph => graph.File)).Except(FilesFor(weights, folder)))
        {
            File.Delete(Path.Combine(folder, stale));
        }

        var files = new List<string>();
        foreach (var (role, graph) in package.Manifest.Deployables.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            string file = Path.Combine(folder, graph.File);
            Bake(package, role, states, provider).Save(file);
            files.Add(file);
            if (role == ExportedKinds.Scorer && threshold is not null)
            {
                SetThreshold(file, threshold);
            }
        }

        return files;
    }

    /// <summary>
    /// Copies what belongs to a model to where it was exported again: priors fitted to its latents, a classifier of its images, the threshold of its scorer.
    /// </summary>
    /// <param name="weights">The id of the exported weights, as <see cref="Identify"/> returns it.</param>
    /// <param name="from">The run's own export folder.</param>
    /// <param name="to">The folder that the model was exported to.</param>
    /// <returns>The copies.</returns>
    public static IReadOnlyList<string> CopyAuxiliaryModels(string weights, string from, string to)
    {
        if (Path.GetFullPath(from) == Path.GetFullPath(to))
        {
            return [];
        }

        if (ThresholdIn(from, weights) is { } threshold && IsFor(weights, Path.Combine(to, ExportedFiles.Scorer)))
        {
            SetThreshold(Path.Combine(to, ExportedFiles.Scorer), threshold);
        }

        string[] names = [.. FilesFor(weights, from), .. File.Exists(Path.Combine(from, ExportedFiles.Classifier)) ? [ExportedFiles.Classifier] : Array.Empty<string>()];
        return [.. names.Select(name =>
        {
            string file = Path.Combine(to, name);
            OnnxModel.Load(Path.Combine(from, name)).Save(file);
            return file;
        })];
    }

    /// <summary>Writes where outliers begin into a scorer's file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="threshold">The threshold.</param>
    /// <exception cref="InvalidDataException">It is not an ONNX model.</exception>
    public static void SetThreshold(string file, ScoreThreshold threshold) => SetThreshold(file, $"{threshold}");

    /// <summary>Identifies a scorer, whatever its threshold: 64 hexadecimal digits.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InvalidDataException">It is not an ONNX model.</exception>
    public static string IdentifyScorer(string file) => Convert.ToHexStringLower(SHA256.HashData(WithThreshold(OnnxModel.Load(file), "").ToBytes()));

    private static void SetThreshold(string file, string threshold) => WithThreshold(OnnxModel.Load(file), threshold).Save(file);

    private static OnnxModel WithThreshold(OnnxModel scorer, string threshold) => scorer.WithMetadata(new Dictionary<string, string> { [MetadataKeys.Threshold] = threshold });

    // The threshold of a scorer, if it has these weights.
    private static string? ThresholdIn(string folder, string weights) => Path.Combine(folder, ExportedFiles.Scorer) is var file && IsFor(weights, file)
        && OnnxModel.Load(file).Metadata.GetValueOrDefault(MetadataKeys.Threshold) is { Length: > 0 } threshold ? threshold : null;

    private static void RequireFinite(IReadOnlyDictionary<string, Tensor> states)
    {
        foreach (var (name, state) in states.Where(state => state.Value.Type == ElementType.Float32).OrderBy(state => state.Key, StringComparer.Ordinal))
        {
            if (FiniteNumbers.IndexOfOther(state.As<float>()) is var index and >= 0)
            {
                throw new InvalidDataException($"The state '{name}' has {state.As<float>()[index]} at position {index}: the training has diverged. Export an earlier checkpoint.");
            }
        }
    }

    private static string[] FilesFor(string weights, string folder) => [.. FilesOfLatents.Where(name => IsFor(weights, Path.Combine(folder, name)))];

    private static bool IsFor(string weights, string file)
    {
        try
        {
            return File.Exists(file) && WeightsOf(file) == weights;
        }
        catch (InvalidDataException)
        {
            return false; // damaged
        }
    }
}
