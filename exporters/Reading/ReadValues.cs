using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

/// <summary>What has been read from a file: its inputs, stored tensors, and the results of its nodes, by name.</summary>
/// <param name="operatorSet">The file's operator set.</param>
/// <param name="declared">What the file says about results.</param>
internal sealed class ReadValues(long operatorSet, IReadOnlyDictionary<string, ModelTensor> declared)
{
    private readonly Dictionary<string, Operand> operands = [];

    public long OperatorSet => operatorSet;

    /// <summary>A value of this name; null if there is none yet.</summary>
    public Operand? Find(string name) => operands.GetValueOrDefault(name);

    /// <summary>What the file says about a result; null if it says nothing.</summary>
    public ModelTensor? Declared(string name) => declared.GetValueOrDefault(name);

    /// <summary>Gives a name to an input, a stored tensor or a result.</summary>
    /// <exception cref="InvalidDataException">Something else has that name.</exception>
    public void Add(string name, Operand operand)
    {
        if (!operands.TryAdd(name, operand))
        {
            throw new InvalidDataException($"Two tensors have the name '{name}': the file is damaged.");
        }
    }

    /// <summary>A value with the open batch.</summary>
    public Value WithBatch() => operands.Values.First(operand => operand.Shape.Contains(Shape.Batch)).Value;
}
