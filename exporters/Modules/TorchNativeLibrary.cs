using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Security.Cryptography;
using System.Text;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Modules;

/// <summary>
/// Lets TorchSharp load on Linux systems whose C++ library is older than the one it was linked against (Debian 12,
/// Ubuntu 22.04). There <c>libLibTorchSharp.so</c> requires symbol version <c>GLIBCXX_3.4.32</c>, but only for
/// <c>std::ios_base_library_init</c>, a link-time marker that no relocation uses. A private copy of the file in which this
/// one requirement is marked weak loads and works; no installed file is touched.
/// </summary>
/// <remarks>
/// Applications need no call: this library prepares itself on first use, and its package makes every application that references it do
/// so at startup. On newer systems the normal load succeeds, the resolving event is never raised, and nothing happens here.
/// </remarks>
public static class TorchNativeLibrary
{
    private const string LibraryName = "LibTorchSharp";
    private const string NewestRequirement = "GLIBCXX_3.4.32";
    private const uint VersionNeedsSection = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort WeakFlag = 0x2; // VER_FLG_WEAK

    private static int prepared;

    /// <summary>Must be called before TorchSharp is first used; loads nothing by itself. Further calls do nothing.</summary>
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "Whoever uses this library uses TorchSharp next.")]
    [ModuleInitializer]
    public static void Prepare()
    {
        if (OperatingSystem.IsLinux() && Interlocked.Exchange(ref prepared, 1) == 0)
        {
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
        }
    }

    private static IntPtr Resolve(Assembly assembly, string name)
    {
        if (!name.Contains(LibraryName, StringComparison.Ordinal) || Folders().FirstOrDefault(folder => File.Exists(LibraryIn(folder))) is not { } folder)
        {
            return IntPtr.Zero;
        }

        foreach (string dependency in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
        {
            _ = Folders().Any(of => NativeLibrary.TryLoad(Path.Combine(of, dependency), out _));
        }

        byte[] elf = File.ReadAllBytes(LibraryIn(folder));
        return MarkWeak(elf) && NativeLibrary.TryLoad(PrivateCopy(elf), out var handle) ? handle : IntPtr.Zero;
    }

    // Where builds put native files: next to the application, below it by platform, or in the packages that its dependency list names.
    private static IEnumerable<string> Folders() =>
    [
        AppContext.BaseDirectory,
        Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"),
        .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string)?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [],
    ];

    private static string LibraryIn(string folder) => Path.Combine(folder, $"lib{LibraryName}.so");

    // In the user's data folder, or else among the temporary files; an existing copy is used if it is complete.
    private static string PrivateCopy(byte[] elf)
    {
        string name = Convert.ToHexString(SHA256.HashData(elf))[..16];
        var failures = new List<string>();
        foreach (string cache in (string[])[Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), Path.GetTempPath()])
        {
            if (cache.Length == 0)
            {
                continue;
            }

            string copy = LibraryIn(Path.Combine(cache, "onnxvae", name));
            try
            {
                if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(elf))
                {
                    AtomicFile.Write(copy, stream => stream.Write(elf));
                }

                return copy;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failures.Add($"'{copy}': {e.Message}");
            }
        }

        throw new DllNotFoundException(
            $"libtorch was found, but TorchSharp's own library needs a patched copy on this system, which cannot be written ({string.Join(" ", failures)}): free some disk space, or set HOME or TMPDIR to a writable folder.");
    }

    // ELF64, little-endian (System V ABI; Linux Standard Base, symbol versioning): walks the needed versions of every
    // dependency and sets the weak flag on the newest one.
    private static bool MarkWeak(Span<byte> elf)
    {
        if (FindSection(elf, VersionNeedsSection) is not { } section)
        {
            return false;
        }

        bool marked = false;
        int strings = (int)SectionField(elf, SectionHeader(elf, section.Link), 0x18);
        for (int need = section.Offset, nextNeed = 1; nextNeed != 0; need += nextNeed)
        {
            nextNeed = (int)U32(elf, need + 12);
            for (int version = need + (int)U32(elf, need + 8), nextVersion = 1; nextVersion != 0; version += nextVersion)
            {
                nextVersion = (int)U32(elf, version + 12);
                var name = elf[(strings + (int)U32(elf, version + 8))..];
                if (Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]) == NewestRequirement)
                {
                    var flags = elf[(version + 4)..];
                    BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | WeakFlag));
                    marked = true;
                }
            }
        }

        return marked;
    }

    private static (int Offset, int Link)? FindSection(ReadOnlySpan<byte> elf, uint type)
    {
        int sections = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3C..]);
        for (int i = 0; i < sections; i++)
        {
            int header = SectionHeader(elf, i);
            if (U32(elf, header + 4) == type)
            {
                return ((int)SectionField(elf, header, 0x18), (int)U32(elf, header + 0x28));
            }
        }

        return null;
    }

    private static int SectionHeader(ReadOnlySpan<byte> elf, int index) =>
        (int)BinaryPrimitives.ReadUInt64LittleEndian(elf[0x28..]) + (index * BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3A..]));

    private static ulong SectionField(ReadOnlySpan<byte> elf, int header, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(elf[(header + offset)..]);

    private static uint U32(ReadOnlySpan<byte> elf, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(elf[offset..]);
}
