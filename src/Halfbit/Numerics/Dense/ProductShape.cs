namespace Halfbit.Numerics;

/// <summary>What is known of a product's shape, so that tiles without work are left out.</summary>
internal enum ProductShape
{
    /// <summary>Every element of C is a sum over the whole inner dimension.</summary>
    Full,

    /// <summary>A is upper triangular (stored zeros below the diagonal): row i starts at inner index i.</summary>
    UpperA,

    /// <summary>A is lower triangular (stored zeros above the diagonal): row i ends after inner index i.</summary>
    LowerA,

    /// <summary>Only elements of C on and above the diagonal are wanted; those below within a tile that touches it are overwritten.</summary>
    UpperC,
}
