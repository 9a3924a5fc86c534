using Microsoft.Extensions.DependencyInjection;

namespace OnnxVae.Inference.DependencyInjection;

/// <summary>Registers encoders, decoders, scorers and imputers as singletons: loaded on first use, shared by all callers, disposed with the application.</summary>
public static class VaeServices
{
    // Servers handle many concurrent requests.
    private static readonly VaeOptions ForServers = new() { ThreadsPerRun = 1, WarmUp = true };

    /// <summary>Registers a <see cref="VaeDecoder"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">decoder.onnx.</param>
    /// <param name="options">Where and how to run; by default one thread per run and a warm-up.</param>
    /// <param name="key">Distinguishes several decoders; null for the only one.</param>
    public static IServiceCollection AddVaeDecoder(this IServiceCollection services, string path, VaeOptions? options = null, object? key = null) =>
        services.AddKeyedSingleton(key, (_, _) => VaeDecoder.Load(path, options ?? ForServers));

    /// <summary>Registers a <see cref="VaeEncoder"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">encoder.onnx.</param>
    /// <param name="options">Where and how to run; by default one thread per run and a warm-up.</param>
    /// <param name="key">Distinguishes several encoders; null for the only one.</param>
    public static IServiceCollection AddVaeEncoder(this IServiceCollection services, string path, VaeOptions? options = null, object? key = null) =>
        services.AddKeyedSingleton(key, (_, _) => VaeEncoder.Load(path, options ?? ForServers));

    /// <summary>Registers a <see cref="VaeScorer"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">scorer.onnx.</param>
    /// <param name="options">Where and how to run; by default one thread per run and a warm-up.</param>
    /// <param name="key">Distinguishes several scorers; null for the only one.</param>
    public static IServiceCollection AddVaeScorer(this IServiceCollection services, string path, VaeOptions? options = null, object? key = null) =>
        services.AddKeyedSingleton(key, (_, _) => VaeScorer.Load(path, options ?? ForServers));

    /// <summary>Registers a <see cref="VaeImputer"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">imputer.onnx.</param>
    /// <param name="options">Where and how to run; by default one thread per run and a warm-up.</param>
    /// <param name="key">Distinguishes several imputers; null for the only one.</param>
    public static IServiceCollection AddVaeImputer(this IServiceCollection services, string path, VaeOptions? options = null, object? key = null) =>
        services.AddKeyedSingleton(key, (_, _) => VaeImputer.Load(path, options ?? ForServers));

    /// <summary>Registers a <see cref="TrainedVae"/>: encoder, decoder and prior.</summary>
    /// <param name="services">The services.</param>
    /// <param name="folder">The folder of encoder.onnx and decoder.onnx.</param>
    /// <param name="options">Where and how to run; by default one thread per run and a warm-up.</param>
    /// <param name="key">Distinguishes several models; null for the only one.</param>
    public static IServiceCollection AddTrainedVae(this IServiceCollection services, string folder, VaeOptions? options = null, object? key = null) =>
        services.AddKeyedSingleton(key, (_, _) => TrainedVae.Load(folder, options ?? ForServers));
}
