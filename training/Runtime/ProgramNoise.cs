using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>
/// The random numbers that a program takes as inputs; each input has its own stream. A part of a batch has the numbers that its rows have in the whole batch.
/// </summary>
/// <param name="program">The program.</param>
internal sealed class ProgramNoise(ProgramSpec program)
{
    private readonly InputSpec[] inputs = [.. program.Inputs.Where(input => input.Role is InputRole.StandardNormal or InputRole.Uniform or InputRole.DataUniform)];

    /// <summary>Names of the inputs that take random numbers.</summary>
    public IEnumerable<string> Names => inputs.Select(input => input.Name);

    /// <summary>Allocates buffers for the numbers of every such input.</summary>
    public float[][] Allocate() => [.. inputs.Select(input => new float[input.Shape.ElementCount])];

    /// <summary>Fills all buffers with the numbers at a position.</summary>
    /// <param name="numbers">A buffer for each input.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="position">The position.</param>
    /// <param name="part">Which part of a batch they are for, from 0.</param>
    /// <param name="parts">Parts of a batch.</param>
    public void Fill(IReadOnlyList<float[]> numbers, ulong seed, ulong position, int part = 0, int parts = 1)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            var input = inputs[i];
            if (parts == 1 || input.IsShared)
            {
                Fill(i, numbers[i], seed, position, position);
                continue;
            }

            long rows = program.Images.Shape[0];
            // Inputs of several samples are as many copies of the batch, one after the other.
            int copies = input.Shape.Rank > 0 && input.Shape[0] % rows == 0 ? (int)(input.Shape[0] / rows) : 1, size = numbers[i].Length / copies;
            for (int copy = 0; copy < copies; copy++)
            {
                Fill(i, numbers[i].AsSpan(copy * size, size), seed, position, position, first: (((long)copy * parts) + part) * size);
            }
        }
    }

    /// <summary>Fills one buffer with the numbers at a position, from the given one on; noise that belongs to the data has its own position.</summary>
    public void Fill(int input, Span<float> numbers, ulong seed, ulong position, ulong dataPosition, long first = 0)
    {
        uint stream = (uint)input + 1;
        switch (inputs[input].Role)
        {
            case InputRole.StandardNormal:
                Philox.FillStandardNormal(numbers, seed, stream, position, first);
                break;
            case InputRole.Uniform:
                Philox.FillUniform(numbers, seed, stream, position, first);
                break;
            default:
                Philox.FillUniform(numbers, seed, stream, dataPosition, first);
                break;
        }
    }
}
