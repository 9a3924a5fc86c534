using System.Text.Json.Nodes;

namespace OnnxVae.Cli.Companions;

/// <summary>Everything the companion of a run was asked for, as it is stored in its folder.</summary>
internal abstract record CompanionOptions
{
    public required CompanionTraining Training { get; init; }

    /// <summary>The first option that another training would make something else of: its name on the command line, what it is here and there.</summary>
    public (string Option, string Here, string There)? FirstDifference(CompanionOptions other)
    {
        var (here, there) = (StoredOptions.Flatten<object>(this, "training"), StoredOptions.Flatten<object>(other, "training"));
        foreach (string name in here.Select(entry => entry.Key).Except(CompanionTraining.NamesOfHow))
        {
            if (!JsonNode.DeepEquals(here[name], there[name]))
            {
                return (StoredOptions.OptionOf(name), Text(here[name]), Text(there[name]));
            }
        }

        return null;

        static string Text(JsonNode? value) => value?.ToString() ?? "not given";
    }
}

/// <summary>Everything a prior of codes was asked for.</summary>
internal sealed record PriorOptions : CompanionOptions
{
    public required string Level { get; init; }

    public int Width { get; init; }

    public int Depth { get; init; }

    public int Heads { get; init; }

    public double LabelDropout { get; init; }
}

/// <summary>Everything a classifier was asked for.</summary>
internal sealed record ClassifierOptions : CompanionOptions
{
    public required string Model { get; init; }

    public string? Hidden { get; init; }
}
