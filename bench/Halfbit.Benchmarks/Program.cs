namespace Halfbit.Benchmarks;

/// <summary>Benchmarks by name.</summary>
internal static class Program
{
    private static readonly (string Name, string What, Func<string[], int> Run)[] Benchmarks =
    [
        ("gemm", "dense products against OpenBLAS, in turns", GemmBench.Run),
        ("factor", "the factor of the inverse Hessian", FactorBench.Run),
        ("layer", "[SIZE [METHOD...]]: every published method, or those named, on one square matrix, one thread", LayerBench.Run),
        ("tokenizer", "MODEL TEXT: encoding speed", TokenizerBench.Run),
        ("kernels", "[TURNS]: the inner loops of packed products in the cache; halfbit bench kernels measures whole products", KernelBench.Run),
        ("load", "[SIZE [FORM...]]: from a packed matrix to one that is laid out to run", LoadBench.Run),
        ("train", "MODEL [SEQUENCES] [LENGTH] [THREADS] [STEPS] [full|qat|both]: training steps; torch_training.py does the same with PyTorch", TrainBench.Run),
        ("zero-shot", "MODEL PIQA.jsonl [THREADS] [ITEMS]: choices scored in a tree of tokens, against plain passes of as many tokens", ZeroShotBench.Run),
        ("synthetic", "OUT [BLOCKS]: writes a checkpoint of LLaMA-7B shapes", SyntheticCheckpoint.Run),
    ];

    private static int Main(string[] args)
    {
        foreach ((string name, _, Func<string[], int> run) in Benchmarks)
        {
            if (args.Length > 0 && args[0] == name) return run(args[1..]);
        }

        foreach ((string name, string what, _) in Benchmarks) Console.Error.WriteLine($"{name,-10} {what}");
        return 2;
    }
}
