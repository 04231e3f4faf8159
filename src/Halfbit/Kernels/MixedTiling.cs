using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

internal static class MixedTiling
{
    public static TiledMatrix? Of(MixedMatrix matrix, IWeightRows source) => null;
}
