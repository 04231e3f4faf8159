using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>The native OpenBLAS library: where it is looked for, which core type it is told, and its few functions that are used.</summary>
internal static unsafe partial class OpenBlasLibrary
{
    private const int RowMajor = 101;
    private const int NoTranspose = 111;
    private const int Transpose = 112;
    private const int Upper = 121;

    private static readonly string[] Candidates = ["libopenblas.so.0", "libopenblas.so", "openblas.dll", "libopenblas.dll", "libopenblas.dylib", "libopenblas.0.dylib"];
    private static readonly Lazy<nint> Handle = new(Load);
    private static readonly Lazy<nint> Sgemm = new(() => Function("cblas_sgemm"));
    private static readonly Lazy<nint> Ssyrk = new(() => Function("cblas_ssyrk"));
    private static int currentThreads;

    /// <summary>Whether the library can be loaded on this machine. Loads it.</summary>
    public static bool IsAvailable => Handle.Value != 0;

    /// <summary>What to do where it is not.</summary>
    public static string Remedy
        => $"OpenBLAS was not found (looked for {string.Join(", ", Candidates)}). Install it (Debian/Ubuntu: apt-get install libopenblas0-pthread; "
            + "macOS: brew install openblas; Windows: put openblas.dll beside the program) or unset HALFBIT_BLAS.";

    /// <summary>The core type that OpenBLAS runs with, as it names it, and its version.</summary>
    public static string Describe()
    {
        string core = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Function("openblas_get_corename"))()) ?? "unknown core";
        string config = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Function("openblas_get_config"))()) ?? "";
        string version = string.Join(' ', config.Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(2));
        return $"{version} ({core})";
    }

    /// <summary>C ← alpha·op(A)·op(B) + beta·C, row-major, on <paramref name="threads"/> threads.</summary>
    public static void Multiply(bool transposeA, bool transposeB, int m, int n, int k, float alpha, float* a, int strideA, float* b, int strideB, float beta, float* c, int strideC, int threads)
    {
        SetThreads(threads);
        var sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)Sgemm.Value;
        sgemm(RowMajor, transposeA ? Transpose : NoTranspose, transposeB ? Transpose : NoTranspose, m, n, k, alpha, a, strideA, b, strideB, beta, c, strideC);
    }

    /// <summary>Upper triangle of C ← Aᵀ·A + C, row-major, A [k, n].</summary>
    public static void AddGramUpper(int n, int k, float* a, int strideA, float* c, int strideC, int threads)
    {
        SetThreads(threads);
        var ssyrk = (delegate* unmanaged<int, int, int, int, int, float, float*, int, float, float*, int, void>)Ssyrk.Value;
        ssyrk(RowMajor, Upper, Transpose, n, k, 1f, a, strideA, 1f, c, strideC);
    }

    private static void SetThreads(int threads)
    {
        if (Interlocked.Exchange(ref currentThreads, threads) != threads)
            ((delegate* unmanaged<int, void>)Function("openblas_set_num_threads"))(threads);
    }

    private static nint Function(string name) => NativeLibrary.GetExport(Handle.Value, name);

    private static nint Load()
    {
        ForceCoreType();
        foreach (string candidate in Candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out nint handle)) return handle;
        }

        return 0;
    }

    /// <summary>
    /// Old releases do not recognise recent processors and fall back to code for the Pentium 4. The variable must be set in the C library's
    /// environment, which <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach.
    /// </summary>
    private static void ForceCoreType()
    {
        string? core = Avx512F.IsSupported && Avx512DQ.IsSupported && Avx512BW.IsSupported ? "SkylakeX" : Avx2.IsSupported && Fma.IsSupported ? "Haswell" : null;
        if (core is null) return;
        if (OperatingSystem.IsWindows())
            _ = _putenv_s("OPENBLAS_CORETYPE", Environment.GetEnvironmentVariable("OPENBLAS_CORETYPE") ?? core);
        else
            _ = setenv("OPENBLAS_CORETYPE", core, overwrite: 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("ucrtbase", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int _putenv_s(string name, string value);
}
