using System.Text.RegularExpressions;
using OnnxVae.Cli;
using OnnxVae.Cli.Options;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests;

/// <summary>What the documents say is compiled, parsed and there: C# examples, commands, options, links.</summary>
internal sealed partial class DocumentationTests
{
    private static readonly string[] Documents =
    [
        "README.md", "CONTRIBUTING.md", "exporters/README.md", "inference/README.md", "inference/SkiaSharp/README.md", "inference/ImageSharp/README.md", "samples/README.md",
        "tests/OnnxVae.Benchmarks/README.md", .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Repository.Root, file)).Order(StringComparer.Ordinal),
    ];

    private static readonly Lazy<string[]> Sources = new(() =>
    [
        .. ((string[])["samples", "tests/OnnxVae.Tests", "exporters"]).SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Select(file => Normalized(File.ReadAllText(file))),
    ]);

    private static readonly IReadOnlyList<Verb> Verbs = Verb.All();

    private static IEnumerable<TestCaseData> Examples => Blocks("csharp").Select(block => new TestCaseData(block.Content).SetArgDisplayNames(block.Document, $"{block.Number}"));

    private static IEnumerable<TestCaseData> Commands => Blocks("sh").SelectMany(block => block.Content.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select((line, i) => new TestCaseData(line).SetArgDisplayNames(block.Document, $"{block.Number}", $"{i + 1}")));

    // Block by block: a line that is printed between two others stands between them where it is compiled.
    [TestCaseSource(nameof(Examples))]
    public void Example_IsABlockOfCodeThatIsCompiled(string example) =>
        Assert.That(Sources.Value.Any(source => source.Contains(Normalized(example), StringComparison.Ordinal)), example);

    [TestCaseSource(nameof(Commands))]
    public void Command_IsUnderstood(string line)
    {
        string[] words = [.. Word().Matches(line).Select(word => word.Value.Trim('\''))];
        int end = Array.IndexOf(words, "--");
        string project = end > 0 ? words[Array.IndexOf(words, "--project") + 1] : "";
        switch (words)
        {
            case ["mpirun", "-n", _, "onnxvae", ..]:
                Assert.That(Faults(words[4..]), Is.Empty);
                break;
            case ["onnxvae", ..]:
                Assert.That(Faults(words[1..]), Is.Empty);
                break;
            case ["dotnet", "run", ..] when project == "cli":
                Assert.That(Faults(words[(end + 1)..]), Is.Empty);
                break;
            case ["dotnet", "run" or "build" or "test" or "pack" or "format", ..]:
                var named = words.Skip(2).TakeWhile(word => word != "--").Where(word => word.EndsWith(".sln", StringComparison.Ordinal) || word == "cli" || word.StartsWith("samples/", StringComparison.Ordinal) || word.StartsWith("tests/", StringComparison.Ordinal));
                Assert.That(named.Where(path => !Path.Exists(Path.Combine(Repository.Root, path))), Is.Empty);
                break;
            default:
                Assert.That(words, Has.Length.GreaterThan(2).And.ItemAt(0).EqualTo("dotnet").And.ItemAt(1).AnyOf("tool", "nuget"));
                break;
        }
    }

    [TestCaseSource(nameof(Documents))]
    public void Options_AreThereByTheseNames(string document)
    {
        string[] known = [.. Verbs.SelectMany(verb => verb.Options.Options).Select(row => row.Option.Name), "--help", "--version", "--verbose", "--provider-library", "--quiet", "--config", "--mpi-library"];
        string[] ofOthers = ["--project", "--global", "--add-source", "--severity", "--version", "--no-build", "--clear", "--output", "--data-binary", "--settings", "--ignore-scripts", "--logdir", "--bind-to", "--oversubscribe", "--host", "--signal", "--gpus-per-task"];
        string[] ofBenchmarks = ["--models", "--blocks", "--use", "--images", "--threads", "--json", "--image-size"];

        Assert.That(OptionName().Matches(Read(document)).Select(match => match.Value).Except([.. known, .. ofOthers, .. ofBenchmarks]), Is.Empty);
    }

    [TestCaseSource(nameof(Documents))]
    public void Links_LeadSomewhere(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        foreach (var (path, anchor) in Link().Matches(Read(document)).Select(match => (match.Groups["path"].Value, match.Groups["anchor"].Value)).Where(link => !link.Item1.Contains("://", StringComparison.Ordinal)))
        {
            string target = path.Length == 0 ? Path.Combine(Repository.Root, document) : Path.GetFullPath(Path.Combine(folder, path.Replace("*", "", StringComparison.Ordinal)));
            Assert.That(path.Contains('*', StringComparison.Ordinal) || Path.Exists(target), $"{path} of {document}");
            Assert.That(anchor.Length == 0 || Headings(File.ReadAllText(target)).Contains(anchor), $"{path}#{anchor} of {document}");
        }
    }

    [Test]
    public void Documents_AreAllInTheIndex()
    {
        string index = Read("docs/README.md");

        Assert.That(Documents.Where(document => document.StartsWith("docs/", StringComparison.Ordinal) && document != "docs/README.md" && !index.Contains($"]({document["docs/".Length..]})", StringComparison.Ordinal)), Is.Empty);
    }

    // Files of options are not there.
    private static IReadOnlyList<string> Faults(string[] arguments) =>
        CommandLine.Parse([.. arguments.Where((word, i) => word != "--config" && (i == 0 || arguments[i - 1] != "--config"))], Verb.All()).Faults;

    private static IEnumerable<(string Document, int Number, string Content)> Blocks(string language) => Documents.SelectMany(document =>
        Read(document).Split($"```{language}\n").Skip(1).Select((block, i) => (document, i + 1, block.Split("```")[0])));

    // Without white space at the ends of lines, comments, empty lines and what is imported.
    private static string Normalized(string code) => string.Join('\n', code.Split('\n')
        .Select(line => Comment().Replace(line, "").Trim())
        .Where(line => line.Length > 0 && !Import().IsMatch(line))) + '\n';

    private static IEnumerable<string> Headings(string document) => Heading().Matches(document).Select(match =>
        string.Concat(match.Groups[1].Value.ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-')).Replace(' ', '-'));

    private static string Read(string document) => File.ReadAllText(Path.Combine(Repository.Root, document)).ReplaceLineEndings("\n");

    [GeneratedRegex("(^|\\s)//.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^using (static )?[\w.]+( = [\w.]+)?;$")]
    private static partial Regex Import();

    [GeneratedRegex("'[^']*'|\\S+")]
    private static partial Regex Word();

    [GeneratedRegex("(?<![\\w-])--[a-z][a-z-]*[a-z]")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"\]\((?<path>[^)#\s]*)(#(?<anchor>[^)]*))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
