namespace OnnxVae.Tests.Support;

/// <summary>Tests of jobs, with models to run them on.</summary>
internal abstract class JobFixture : FolderFixture
{
    private protected ExportedModels Models { get; } = new();

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();
}
