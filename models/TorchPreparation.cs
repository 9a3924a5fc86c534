using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using OnnxVae.Exporters.Modules;

namespace OnnxVae.Models;

/// <summary>Lets TorchSharp load on older Linux systems before a network is built.</summary>
internal static class TorchPreparation
{
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "Whoever uses this library uses TorchSharp next.")]
    [ModuleInitializer]
    internal static void Prepare() => TorchNativeLibrary.Prepare();
}
