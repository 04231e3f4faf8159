using Halfbit.Checkpoints;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>Shapes so large that every loop is cut into several pieces.</summary>
[Collection("thread count")]
public sealed class OperationThreadTests
{
    public static TheoryData<OperationCase> Cases() =>
    [
        new LinearCase(300, 90, 130, true, true),
        new RmsNormCase(300, 200, 1e-5, true),
        new LayerNormCase(300, 200, 1e-5, true, true),
        new RotaryCase(new RopeConfig(), 3, 100, 5, 32),
        new GatedSiluCase(300, 300),
        new ElementwiseCase(ActivationOperationTests.Kind.Relu, 300, 300),
        new ElementwiseCase(ActivationOperationTests.Kind.Gelu, 300, 300),
        new EmbeddingCase(300, 40, 200, true),
        new AttentionCase(3, new AttentionShape(100, 6, 2, 16, null)),
        new AttentionCase(2, new AttentionShape(150, 4, 2, 9, 33)),
        new CrossEntropyCase(300, 400),
        new DivergenceCase(300, 400, 2),
    ];

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void The_number_of_threads_changes_no_bit(OperationCase operation) => OperationCheck.Threads(operation);
}
