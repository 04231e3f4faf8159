namespace Halfbit.Packing;

/// <summary>One part of a packed matrix and what it costs.</summary>
/// <param name="Name">What the part holds, e.g. <c>plane</c> or <c>low scales</c>.</param>
/// <param name="Offset">First byte, relative to the packed matrix.</param>
/// <param name="ByteCount">Bytes.</param>
public readonly record struct PackedSection(string Name, int Offset, int ByteCount);
