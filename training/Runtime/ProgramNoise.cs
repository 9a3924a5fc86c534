using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>The random numbers that programs take as inputs.</summary>
internal static class ProgramNoise
{
    /// <summary>Where the numbers of an input go.</summary>
    public delegate Span<float> Destination(string input);

    /// <summary>Whether an input takes random numbers.</summary>
    public static bool IsNoise(InputSpec input) => input.Role is InputRole.StandardNormal or InputRole.Uniform;

    /// <summary>Fills every noise input of a program; each has a stream of its own.</summary>
    public static void Fill(ProgramSpec program, Destination destination, ulong seed, ulong position)
    {
        uint stream = 0;
        foreach (var input in program.Inputs.Where(IsNoise))
        {
            stream++;
            if (input.Role == InputRole.StandardNormal)
            {
                Philox.FillStandardNormal(destination(input.Name), seed, stream, position);
            }
            else
            {
                Philox.FillUniform(destination(input.Name), seed, stream, position);
            }
        }
    }

    /// <summary>Room for the noise inputs of a program.</summary>
    public static Dictionary<string, float[]> Allocate(ProgramSpec program) => program.Inputs
        .Where(IsNoise)
        .ToDictionary(input => input.Name, input => new float[input.Shape.ElementCount]);
}
