using System.Diagnostics;
using Halfbit.Numerics;
using Halfbit.Quantization.PbLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
namespace Halfbit.Benchmarks;
internal static class Prof
{
    public static int Run()
    {
        (Matrix W, Matrix H) = SyntheticLayer.Create(4096, 4096, 1);
        for (int r = 0; r < 3; r++)
        {
            var w = Stopwatch.StartNew();
            void Lap(string s) { Console.WriteLine($"{s} {w.Elapsed.TotalSeconds:F3}"); w.Restart(); }
            var f = HessianFactor.Create(H, 0.01); Lap("factor");
            Matrix Q = Matrix.CopyOf(W.View); Lap("copy");
            var o = new PbLlmOptions();
            var m = SalientSet.Choose(Q, f, o); Lap("salient");
            var s = new LowSensitivity(f, m);
            var low = LowPrecisions.Fit(Q, m, s, o, ScaleFormat.Exact); Lap("low fit");
            var grids = new AffineGrid[4096];
            RowParallel.For(4096, 64, (a, b) => { for (int i = a; i < b; i++) { (float lo, float hi) = RowRange.Of(W.Row(i)); grids[i] = AffineGrid.FromRange(lo, hi, 256, ScaleFormat.Exact); } }); Lap("grid");
            var high = new GridColumnQuantizer(4096, 4096, 8, -1, grids, ScaleFormat.Exact);
            var mixed = new MixedColumnQuantizer(m, high, low); Lap("alloc");
            ErrorFeedback.PerColumn(Q, f.U, mixed, 128); Lap("feedback");
            var q2 = Matrix.CopyOf(W.View); ErrorFeedback.None(q2, mixed); Lap("none");
            var E = new Matrix(4096, 128); DenseProduct.SubtractProduct(E.View, f.U.View.RowRange(0, 128)[new ColumnRange(128, 4096)], Q.View[new ColumnRange(128, 4096)]); Lap("one update gemm (1/16 of all)");
            WeightedError.Of(W, Q, H); Lap("weighted error");
        }
        return 0;
    }
}
