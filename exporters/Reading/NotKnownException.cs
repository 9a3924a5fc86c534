namespace OnnxVae.Exporters.Reading;

/// <summary>A node needs a number that is known only when the model runs; the node can stay as it is.</summary>
internal sealed class NotKnownException(string message) : Exception(message);
