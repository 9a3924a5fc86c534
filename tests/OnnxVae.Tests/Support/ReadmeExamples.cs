namespace OnnxVae.Tests.Support;

/// <summary>Holds that the examples of a README are those that tests run.</summary>
internal static class ReadmeExamples
{
    /// <summary>Every line of every C# example, without comments and white space, occurs in one of the sources.</summary>
    public static void AssertTested(string readme, params string[] sources) => AssertTestedFrom(0, readme, sources);

    /// <summary>The same, of the examples from one on.</summary>
    public static void AssertTestedFrom(int example, string readme, params string[] sources)
    {
        string tested = string.Concat(sources.Select(source => Compact(Read(source))));
        string[] lines = [.. Read(readme).Split("```csharp").Skip(1 + example).SelectMany(block => block.Split("```")[0].Split('\n'))
            .Where(line => !line.StartsWith("using OnnxVae", StringComparison.Ordinal)).Select(Compact).Where(line => line.Length > 0)];

        Assert.That(lines, Has.Length.GreaterThan(3));
        Assert.That(lines.Where(line => !tested.Contains(line, StringComparison.Ordinal)), Is.Empty);
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    private static string Compact(string code) => string.Concat(
        code.Split('\n').SelectMany(line => line.Split("//")[0]).Where(character => !char.IsWhiteSpace(character)));
}
