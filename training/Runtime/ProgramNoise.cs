using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>The random numbers that a program takes as inputs; each input has its own stream.</summary>
/// <param name="program">The program.</param>
internal sealed class ProgramNoise(ProgramSpec program)
{
    private readonly InputSpec[] inputs = [.. program.Inputs.Where(input => input.Role is InputRole.StandardNormal or InputRole.Uniform or InputRole.DataUniform)];

    /// <summary>Names of the inputs that take random numbers.</summary>
    public IEnumerable<string> Names => inputs.Select(input => input.Name);

    /// <summary>Allocates buffers for the numbers of every such input.</summary>
    public float[][] Allocate() => [.. inputs.Select(input => new float[input.Shape.ElementCount])];

    /// <summary>Fills all buffers with the numbers at a position.</summary>
    public void Fill(IReadOnlyList<float[]> numbers, ulong seed, ulong position)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            Fill(i, numbers[i], seed, position, position);
        }
    }

    /// <summary>Fills one buffer with the numbers at a position; noise that belongs to the data has its own position.</summary>
    public void Fill(int input, Span<float> numbers, ulong seed, ulong position, ulong dataPosition)
    {
        uint stream = (uint)input + 1;
        switch (inputs[input].Role)
        {
            case InputRole.StandardNormal:
                Philox.FillStandardNormal(numbers, seed, stream, position);
                break;
            case InputRole.Uniform:
                Philox.FillUniform(numbers, seed, stream, position);
                break;
            default:
                Philox.FillUniform(numbers, seed, stream, dataPosition);
                break;
        }
    }
}
