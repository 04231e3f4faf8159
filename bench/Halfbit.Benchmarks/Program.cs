namespace Halfbit.Benchmarks;

/// <summary>Benchmarks by name: check first, then time.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        switch (args)
        {
            case ["prof"]: return Prof.Run();
            case ["layer", .. string[] rest]: return LayerBench.Run(rest);
            default:
                Console.Error.WriteLine("usage: Halfbit.Benchmarks layer [SIZE]");
                return 2;
        }
    }
}
