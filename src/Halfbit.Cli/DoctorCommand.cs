using System.CommandLine;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using Halfbit.Kernels;
using Halfbit.Numerics;

namespace Halfbit.Cli;

/// <summary>halfbit doctor: what this machine offers, and what is used of it.</summary>
internal static class DoctorCommand
{
    private static string BlasName => DenseKernel.All.Any(k => k.Name == DenseBackend.Name) ? "managed" : DenseBackend.Name;

    public static Command Create()
    {
        Option<bool> json = SharedOptions.Json();
        var command = new Command("doctor", SharedOptions.WithExample("Shows instruction sets, dense and packed kernels and BLAS of this machine", "halfbit doctor")) { json };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            Run(parsed.GetValue(json));
            return Failure.None;
        }));
        return command;
    }

    private static void Run(bool asJson)
    {
        string[] sets = [.. InstructionSets()];
        if (asJson)
        {
            JsonOutput.Write(new JsonObject
            {
                ["cpu"] = new JsonObject
                {
                    ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
                    ["processors"] = Environment.ProcessorCount,
                    ["instructionSets"] = JsonOutput.Array(sets.Select(s => (JsonNode?)s)),
                },
                ["kernels"] = JsonOutput.Array(DenseKernel.All.Select(k => new JsonObject
                {
                    ["name"] = k.Name,
                    ["available"] = k.IsAvailable,
                    ["chosen"] = k.Name == DenseKernel.Current.Name,
                    ["reason"] = k.Reason,
                })),
                ["packedKernel"] = new JsonObject { ["name"] = PackedKernel.Name, ["description"] = PackedKernel.Description },
                ["blas"] = new JsonObject { ["chosen"] = BlasName, ["openblas"] = GemmMeasurement.OpenBlasDescription },
                ["cuda"] = null,
            });
            return;
        }

        Console.WriteLine($"processor   {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} logical: {string.Join(" ", sets)}");
        Console.WriteLine($"memory      {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:F1} GB");
        Console.WriteLine($"runtime     {RuntimeInformation.FrameworkDescription}");
        Console.WriteLine($"BLAS        {BlasName} (HALFBIT_BLAS); OpenBLAS: {GemmMeasurement.OpenBlasDescription}");
        Console.WriteLine("dense kernels, best first (HALFBIT_KERNEL chooses)");
        foreach (DenseKernel.Choice kernel in DenseKernel.All)
            Console.WriteLine($"  {(kernel.Name == DenseKernel.Current.Name ? "*" : kernel.IsAvailable ? "+" : "-")} {kernel.Name,-10} {kernel.Reason}");
        Console.WriteLine("packed kernel, by the same choice");
        Console.WriteLine($"  * {PackedKernel.Name,-10} {PackedKernel.Description}");
    }

    private static IEnumerable<string> InstructionSets()
    {
        (string Name, bool IsSupported)[] all =
        [
            ("SSE4.2", Sse42.IsSupported), ("AVX", Avx.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("BMI2", Bmi2.IsSupported),
            ("AVX-512F", Avx512F.IsSupported), ("AVX-512BW", Avx512BW.IsSupported), ("AVX-512DQ", Avx512DQ.IsSupported), ("AVX-512VBMI", Avx512Vbmi.IsSupported),
            ("AVX-512VBMI2", Avx512Vbmi2.IsSupported), ("GFNI", Gfni.IsSupported),
            ("AdvSimd", AdvSimd.IsSupported), ("Dp", Dp.IsSupported),
        ];
        return all.Where(s => s.IsSupported).Select(s => s.Name);
    }
}
