namespace Halfbit.Pipeline;

/// <summary>What became of a packed model that was laid out to run.</summary>
/// <param name="LaidOut">Matrices laid out to run.</param>
/// <param name="Coded">Matrices that no kernel multiplies and that stay coded.</param>
/// <param name="Bytes">Bytes of the weights files.</param>
/// <param name="SourceBytes">Bytes of the packed model's.</param>
/// <param name="TrueBits">Bits per weight of all these matrices, their entries in the files' headers included.</param>
/// <param name="SourceTrueBits">As they were.</param>
/// <param name="Seconds">Time taken.</param>
public sealed record RunFolderReport(int LaidOut, int Coded, long Bytes, long SourceBytes, double TrueBits, double SourceTrueBits, double Seconds);
