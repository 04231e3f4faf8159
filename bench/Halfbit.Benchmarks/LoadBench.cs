using System.Diagnostics;
using System.Globalization;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Representation;

namespace Halfbit.Benchmarks;

/// <summary>From a packed matrix to one that is laid out to run: unpacking and tiling, each by itself, and eight matrices as a model's are when it is opened.</summary>
internal static class LoadBench
{
    private const int Many = 8;

    public static int Run(string[] args)
    {
        int size = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 4096;
        string[] forms = args.Length > 1 ? args[1..] : [.. RandomForms.Names];
        Console.WriteLine($"{size} x {size}; {RowParallel.Threads} threads; seconds, best of 3; bits per weight");
        Console.WriteLine("form         unpack    tile  eight  packed  tiles");
        foreach (string form in forms)
        {
            var packed = new PackedMatrix(Packer.Pack(RandomForms.Create(form, size, size)));
            PackedMatrix[] many = [.. Enumerable.Repeat(packed, Many)];
            (double unpack, double tile, double eight, double bits) = (double.MaxValue, double.MaxValue, double.MaxValue, 0);
            for (int turn = 0; turn < 3; turn++)
            {
                long start = Stopwatch.GetTimestamp();
                QuantizedMatrix matrix = packed.Unpack();
                unpack = Math.Min(unpack, Stopwatch.GetElapsedTime(start).TotalSeconds);
                start = Stopwatch.GetTimestamp();
                TiledMatrix tiled = Tiling.Of(matrix, matrix)!;
                tile = Math.Min(tile, Stopwatch.GetElapsedTime(start).TotalSeconds);
                start = Stopwatch.GetTimestamp();
                if (LayingOut.Of(many, ActivationPrecision.EightBits).Any(t => t is null)) throw new InvalidOperationException(form);
                eight = Math.Min(eight, Stopwatch.GetElapsedTime(start).TotalSeconds);
                bits = 8.0 * tiled.ByteCount / ((double)size * size);
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{form,-10} {unpack,8:F3} {tile,7:F3} {eight,6:F3} {packed.TrueBits,7:F3} {bits,6:F3}"));
        }

        return 0;
    }
}
