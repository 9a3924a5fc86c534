using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Support;

/// <summary>The folder of MNIST and CIFAR-10, for tests that need them.</summary>
internal static class DataFolder
{
    public static string Mnist => IsGiven || !PublicDataSets.IsFetched("mnist") ? Path.Combine(Root, "mnist") : Path.Combine(PublicDataSets.Cache, "mnist");

    public static string Cifar10 => Path.Combine(Root, "cifar10-train.tar.gz");

    private static bool IsGiven => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("ONNXVAE_DATA"));

    private static string Root
    {
        get
        {
            if (!IsGiven)
            {
                Assert.Ignore("Needs MNIST or CIFAR-10: set ONNXVAE_DATA to the folder that holds them, or for MNIST run a command with --data mnist once.");
            }

            return Path.GetFullPath(Environment.GetEnvironmentVariable("ONNXVAE_DATA")!);
        }
    }
}
