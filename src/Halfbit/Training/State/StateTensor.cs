using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A named array that belongs to the state of a training run: its bytes are written from where it lies and read back to the same place.</summary>
internal abstract class StateTensor
{
    /// <summary>Elements that are handled at once.</summary>
    public const int PieceElements = 1 << 20;

    private protected StateTensor(TensorDeclaration declaration)
    {
        Declaration = declaration;
    }

    /// <summary>Name, type and shape.</summary>
    public TensorDeclaration Declaration { get; }

    /// <summary>Number of elements.</summary>
    public abstract int Length { get; }

    /// <summary>The bytes of some elements, in place.</summary>
    /// <param name="start">First element.</param>
    /// <param name="count">Number of elements, at most <see cref="PieceElements"/>.</param>
    public abstract Span<byte> Bytes(int start, int count);

    /// <summary>Index of the first element that is not finite; -1: all are, or they are integers.</summary>
    public abstract int FirstNotFinite();

    /// <summary>A matrix.</summary>
    /// <param name="name">Name, unique in the state.</param>
    /// <param name="matrix">[rows, columns]; kept, not copied.</param>
    public static StateTensor Of<T>(string name, Matrix<T> matrix)
        where T : unmanaged, INumberBase<T> => Of(name, [matrix.Rows, matrix.Columns], matrix.Data);

    /// <summary>An array of any of the types that a state holds.</summary>
    /// <param name="name">Name, unique in the state.</param>
    /// <param name="shape">Dimensions; their product is the length of the array.</param>
    /// <param name="data">Elements; kept, not copied.</param>
    public static StateTensor Of<T>(string name, long[] shape, T[] data)
        where T : unmanaged, INumberBase<T> => new Elements<T>(new TensorDeclaration(name, TypeOf<T>(), shape), data);

    private static ElementType TypeOf<T>() => Type.GetTypeCode(typeof(T)) switch
    {
        TypeCode.Single => ElementType.F32,
        TypeCode.Double => ElementType.F64,
        TypeCode.Int16 => ElementType.I16,
        TypeCode.Int32 => ElementType.I32,
        TypeCode.UInt64 => ElementType.U64,
        _ => throw new NotSupportedException($"a state holds no elements of type {typeof(T).Name}"),
    };

    private sealed class Elements<T> : StateTensor
        where T : unmanaged, INumberBase<T>
    {
        private readonly T[] data;

        public Elements(TensorDeclaration declaration, T[] data)
            : base(declaration)
        {
            if (declaration.Shape.Aggregate(1L, (product, d) => product * d) != data.Length)
                throw new ArgumentException($"{data.Length} elements are not [{string.Join(", ", declaration.Shape)}]", nameof(data));
            this.data = data;
        }

        public override int Length => data.Length;

        public override Span<byte> Bytes(int start, int count) => ElementBytes.Of(data.AsSpan(start, count));

        public override int FirstNotFinite() => Array.FindIndex(data, x => !T.IsFinite(x));
    }
}
