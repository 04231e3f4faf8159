using System.Diagnostics;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Benchmarks;

internal static class KernelBench
{
    public static int Run(string[] args)
    {
        int rows = args.Length > 0 ? int.Parse(args[0]) : 4096;
        int columns = args.Length > 1 ? int.Parse(args[1]) : 4096;
        string form = args.Length > 2 ? args[2] : "sign";
        var random = new Random(1);
        if (form == "micro") return Micro();
        QuantizedMatrix q = Make(form, random, rows, columns);
        var watch = Stopwatch.StartNew();
        var packed = new PackedMatrix(Packer.Pack(q));
        Console.WriteLine($"pack {watch.Elapsed.TotalSeconds:F2} s, {packed.TrueBits:F3} bits");
        watch.Restart();
        TiledMatrix first = TiledMatrix.Of(packed)!;
        Console.WriteLine($"tile {watch.Elapsed.TotalSeconds:F2} s, {8.0 * first.ByteCount / rows / columns:F3} bits");
        int copies = (int)Math.Min(200, (1300L << 20) / first.ByteCount);
        TiledMatrix[] all = [.. Enumerable.Range(0, copies).Select(k => k == 0 ? first : first.Copy())];
        var bandwidth = new MemoryBandwidth(1300 << 20);
        var X = new Matrix(512, columns);
        for (int t = 0; t < 512; t++) for (int j = 0; j < columns; j++) X[t, j] = (float)(random.NextDouble() - 0.5);
        var Y = new Matrix(512, rows);
        if (args.Length > 3)
        {
            RowParallel.Threads = 1;
            for (int r = 0; r < 40; r++) foreach (TiledMatrix m in all) m.MultiplyTransposed(X.View.RowRange(0, 1), Y.View.RowRange(0, 1), false);
            return 0;
        }

        foreach (int threads in (int[])[1, 2])
        {
            RowParallel.Threads = threads;
            for (int r = 0; r < 3; r++)
            {
                double best = bandwidth.Measure();
                watch.Restart();
                foreach (TiledMatrix m in all) m.MultiplyTransposed(X.View.RowRange(0, 1), Y.View.RowRange(0, 1), false);
                double s = watch.Elapsed.TotalSeconds;
                double bytes = (double)first.ByteCount * copies;
                watch.Restart();
                first.MultiplyTransposed(X.View, Y.View, false);
                double p = watch.Elapsed.TotalSeconds;
                watch.Restart();
                foreach (TiledMatrix m in all) m.MultiplyTransposed(X.View.RowRange(0, 1), Y.View.RowRange(0, 1), true);
                double e = watch.Elapsed.TotalSeconds;
                Console.WriteLine($"{threads} threads: bandwidth {best / 1e9:F1} GB/s, decode {(double)rows * columns * copies / s / 1e9:F1} Gw/s {bytes / s / 1e9:F1} GB/s share {bytes / s / best:F3}; prompt {2.0 * 512 * rows * columns / p / 1e9:F0} GFLOP/s; exact decode {(double)rows * columns * copies / e / 1e9:F1} Gw/s");
            }
        }
        return 0;
    }

    private static unsafe int Micro()
    {
        byte[] plane = new byte[128 * 1024];
        byte[] tables = new byte[4096];
        int[] sums = new int[160];
        var random = new Random(1);
        random.NextBytes(plane);
        foreach (PlaneKernel kernel in (PlaneKernel[])[new PlaneKernel512(), new PlaneKernel256(), new PlaneKernel128()])
        {
            for (int r = 0; r < 4; r++)
            {
                fixed (byte* planes = plane, t0 = tables) fixed (int* s0 = sums)
                {
                    byte* p = (byte*)PlaneKernel.AlignedLine(planes), t = (byte*)PlaneKernel.AlignedLine(t0);
                    int* s = (int*)PlaneKernel.AlignedLine(s0);
                    var w = Stopwatch.StartNew();
                    float[] yy = new float[160];
                    ScaleTable table = new(new ScaleFormat(ScaleKind.Half, -14));
                    fixed (float* y0 = yy)
                    {
                        float* y = (float*)PlaneKernel.AlignedLine(y0);
                        var input = new StripInput(t, (sbyte*)t, 3, 0.01f, 0);
                        for (int k = 0; k < 1000000; k++) kernel.AddSigned(p + (k & 7) * 2304, 16, input, table, p + (k & 7) * 2304 + 2048, y);
                    }
                    double c = 16384.0 * 1e6 / w.Elapsed.TotalSeconds / 1e9;
                    w.Restart();
                    for (int k = 0; k < 1000000; k++) kernel.Sum(p + (k & 7) * 2304, null, t, 16, s, 0);
                    double a = 16384.0 * 1e6 / w.Elapsed.TotalSeconds / 1e9;
                    w.Restart();
                    for (int k = 0; k < 1000000; k++) kernel.Sum(p + (k & 15) * 2048, p, t, 16, s, 0);
                    Console.WriteLine($"{kernel.GetType().Name} signed {c:F1} {a:F1} Gw/s, masked {16384.0 * 1e6 / w.Elapsed.TotalSeconds / 1e9:F1}");
                }
            }
        }
        return 0;
    }

    private static QuantizedMatrix Make(string form, Random random, int rows, int columns)
    {
        BitMatrix Mask(double share) { var m = new BitMatrix(rows, columns); for (int i = 0; i < rows; i++) for (int j = 0; j < columns; j++) m[i, j] = random.NextDouble() < share; return m; }
        var format = new ScaleFormat(ScaleKind.Half, -14);
        int blocks = (columns + 127) / 128;
        float[] Scales(ScaleFormat f) => [.. Enumerable.Range(0, rows * blocks).Select(_ => f.Round((float)(0.01 + random.NextDouble() * 0.01)))];
        ScaleFormat b8 = format.ToByte();
        SignGroup G(int planes) => new() { Alpha = [.. Enumerable.Range(0, planes).Select(_ => Scales(b8))], HasByteScales = true, AlphaFormat = b8 };
        switch (form)
        {
            case "sign": return new SignMatrix(Mask(0.5), 128, Scales(format), null, format);
            case "grid2" or "grid3" or "grid4" or "grid8":
                int bits = form[4] - '0';
                return new GridMatrix(rows, columns, bits, [.. Enumerable.Range(0, rows * columns).Select(_ => (byte)random.Next(1 << bits))], 128, Scales(format), [.. Enumerable.Range(0, rows * blocks).Select(_ => (short)random.Next(1 << bits))], format);
            case "4:8":
                var keep = new BitMatrix(rows, columns);
                int[] run = [0, 1, 2, 3, 4, 5, 6, 7];
                for (int i = 0; i < rows; i++) for (int j = 0; j < columns; j += 8) { random.Shuffle(run); for (int k = 0; k < 4; k++) keep[i, j + run[k]] = true; }
                return new GroupedSignMatrix(Mask(0.5), [G(1)], 0, 128) { Keep = keep, Pattern = new NOfM(4, 8) };
            case "billm":
                bool[] salient = [.. Enumerable.Range(0, columns).Select(_ => random.NextDouble() < 0.1)];
                return new GroupedSignMatrix(Mask(0.5), [G(2), G(1), G(1)], 1, 128) { SecondSigns = Mask(0.5), IsSalient = salient, GroupOf = [.. Enumerable.Range(0, rows * columns).Select(k => (byte)(salient[k % columns] ? 0 : 1 + random.Next(2)))] };
            case "pb": return new MixedMatrix(Mask(0.1), new GridMatrix(rows, columns, 8, [.. Enumerable.Range(0, rows * columns).Select(_ => (byte)random.Next(256))], -1, [.. Enumerable.Range(0, rows).Select(_ => format.Round(0.01f))], [.. Enumerable.Range(0, rows).Select(_ => (short)random.Next(256))], format), new SignMatrix(Mask(0.5), -1, [.. Enumerable.Range(0, rows).Select(_ => format.Round(0.01f))], [.. Enumerable.Range(0, rows).Select(_ => format.Round(0.01f))], format));
            default: throw new ArgumentException(form);
        }
    }
}
