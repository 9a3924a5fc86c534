namespace OnnxVae.Cli;

/// <summary>Numbers of options that a run's folder keeps, and that an editor or a damaged disk may have changed.</summary>
internal static class StoredNumber
{
    /// <summary>Checks a number.</summary>
    /// <exception cref="InvalidDataException">It is too small.</exception>
    public static void Require(string name, long value, long least)
    {
        if (value < least)
        {
            throw new InvalidDataException($"{name} is {value}; expected {least} or more.");
        }
    }
}
