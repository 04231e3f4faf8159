using System.Diagnostics;
using System.Globalization;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Benchmarks;

/// <summary>The inner loops of packed products on one tile in the first-level cache, one thread. Whole products: <c>halfbit bench kernels</c>.</summary>
internal static unsafe class KernelBench
{
    private const int Calls = 1_000_000;
    private const int Words = PlaneKernel.MostColumns / PlaneKernel.WordColumns;
    private const int PlaneBytes = Words * PlaneKernel.WordBytes;
    private const double Weights = (double)PlaneKernel.TileRows * PlaneKernel.MostColumns * Calls;

    /// <summary>Planes that take turns.</summary>
    private const int Planes = 8;

    private const int Line = 64;

    private static readonly ScaleTable Scales = new(new ScaleFormat(ScaleKind.Half, -14));

    public static int Run(string[] args)
    {
        int turns = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 4;
        int record = PlaneBytes + Scales.ByteCount;
        byte[] memory = GC.AllocateArray<byte>((record * Planes) + (Words * PlaneKernel.MostTableBytes) + (PlaneKernel.TileRows * 4 * sizeof(float)) + (4 * Line), pinned: true);
        new Random(1).NextBytes(memory);
        fixed (byte* room = memory)
        {
            byte* planes = (byte*)PlaneKernel.AlignedLine(room);
            byte* tables = (byte*)PlaneKernel.AlignedLine(planes + (record * Planes));
            short* sums = (short*)PlaneKernel.AlignedLine(tables + (Words * PlaneKernel.MostTableBytes));
            float* y = (float*)(sums + (4 * PlaneKernel.TileRows));
            for (int k = 0; k < Planes; k++) new Span<Half>(planes + (k * record) + PlaneBytes, PlaneKernel.TileRows).Fill((Half)0.5f);
            var input = new StripInput(tables, (sbyte*)tables, 3, 0.01f);
            Console.WriteLine("kernel     10^9 weights/s: signs with scales    sums   two sums   four sums");
            foreach (DenseKernel.Choice choice in DenseKernel.All.Where(k => k.IsAvailable && k.Name != "scalar"))
            {
                PlaneKernel kernel = PlaneKernel.Of(choice);
                for (int turn = 0; turn < turns; turn++)
                {
                    double signed = Speed(k => kernel.AddSigned(planes + (k % Planes * record), Words, input, Scales, planes + (k % Planes * record) + PlaneBytes, y));
                    double plain = Speed(k => kernel.Sum(planes + (k % Planes * record), Words, PlaneKernel.Line, input, sums));
                    double pair = Speed(k => kernel.SumPair(planes + (k % Planes * record), planes, Words, PlaneKernel.Line, input, sums));
                    double quad = Speed(k => kernel.SumQuad(planes + (k % Planes * record), planes, planes + record, Words, PlaneKernel.Line, input, sums));
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{choice.Name,-10} {signed,33:F1} {plain,7:F1} {pair,10:F1} {quad,11:F1}"));
                }
            }
        }

        return 0;
    }

    private static double Speed(Action<int> call)
    {
        long start = Stopwatch.GetTimestamp();
        for (int k = 0; k < Calls; k++) call(k);
        return Weights / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }
}
