namespace Halfbit.Numerics;

/// <summary>One factor of a dense product, seen as [outer, depth]: rows of A or columns of B, by the inner dimension.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="elements">The first element; the memory is pinned by the caller.</param>
/// <param name="outer">Rows of A, or columns of B.</param>
/// <param name="stride">Elements between neighbours in the direction that is not contiguous.</param>
/// <param name="isDepthContiguous">Whether neighbours in the inner dimension are adjacent; else neighbours in the outer one are.</param>
/// <param name="isNegated">Whether the factor enters with the opposite sign.</param>
internal readonly unsafe struct Operand<T>(T* elements, int outer, nint stride, bool isDepthContiguous, bool isNegated = false)
    where T : unmanaged
{
    public readonly T* Elements = elements;
    public readonly int Outer = outer;
    public readonly nint Stride = stride;
    public readonly bool IsDepthContiguous = isDepthContiguous;
    public readonly bool IsNegated = isNegated;

    /// <summary>The address of element (outer <paramref name="i"/>, depth <paramref name="p"/>).</summary>
    public T* At(nint i, nint p) => IsDepthContiguous ? Elements + (i * Stride) + p : Elements + (p * Stride) + i;
}
