using TorchSharp;

namespace OnnxVae.Models;

/// <summary>A module that consists only of its children, and disposes them.</summary>
/// <param name="name">Its name.</param>
public abstract class ComposedModule(string name) : torch.nn.Module(name)
{
    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var child in children())
            {
                child.Dispose();
            }
        }

        base.Dispose(disposing);
    }
}
