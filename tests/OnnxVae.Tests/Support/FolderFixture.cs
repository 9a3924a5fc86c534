namespace OnnxVae.Tests.Support;

/// <summary>Tests that each get an empty folder, which is deleted afterwards.</summary>
internal abstract class FolderFixture
{
    private protected TemporaryFolder Folder { get; private set; } = null!;

    [SetUp]
    public void CreateFolder() => Folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => Folder.Dispose();
}
