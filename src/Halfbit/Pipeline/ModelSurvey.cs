using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Models;
using Halfbit.Quantization;

namespace Halfbit.Pipeline;

/// <summary>
/// The pass that a planned method makes before anything is quantized: all calibration sequences run once through the original model, block by block, and each block is surveyed.
/// </summary>
/// <remarks>
/// In memory at a time: one block's input statistics, one layer's weights and, for a survey with Hessians, what its probe holds. A block's survey is a file of the job: a killed job runs the sequences through surveyed blocks
/// without looking at them, and a job whose surveys are complete goes straight to its plan.
/// </remarks>
internal static class ModelSurvey
{
    /// <summary>Surveys what is not surveyed yet.</summary>
    /// <param name="method">The method.</param>
    /// <param name="workFolder">Where the surveys are kept.</param>
    /// <param name="decoder">The original model.</param>
    /// <param name="start">Puts the calibration sequences before the first block; called only when a block must be surveyed.</param>
    /// <returns>[blocks], the surveys.</returns>
    public static IReadOnlyList<JsonObject> Of(IPlannedMethod method, string workFolder, Decoder decoder, Func<CalibrationWalk> start)
    {
        int last = decoder.Blocks.Count - 1;
        while (last >= 0 && File.Exists(PathOf(workFolder, last))) last--;
        if (last >= 0)
        {
            using CalibrationWalk walk = start();
            DivergenceProbe? probe = method.SurveyNeedsHessian ? new DivergenceProbe(decoder, walk.Sequences) : null;
            for (int b = 0; b <= last; b++)
            {
                probe?.Enter(b);
                Survey(method, workFolder, decoder.Blocks[b], walk, probe);
            }
        }

        return [.. Enumerable.Range(0, decoder.Blocks.Count).Select(b => JobRecord.ReadSurvey(PathOf(workFolder, b)))];
    }

    private static void Survey(IPlannedMethod method, string workFolder, DecoderBlock block, CalibrationWalk walk, DivergenceProbe? probe)
    {
        string path = PathOf(workFolder, block.Index);
        if (File.Exists(path))
        {
            walk.Pass(block, null, QuantizationStage.Replay);
        }
        else
        {
            var survey = new BlockSurvey(block, probe);
            walk.Pass(block, survey, QuantizationStage.Survey);
            JobRecord.WriteSurvey(path, method.Survey(survey.Layers()));
            LargeGarbage.Collect(block.Groups.Max(g => method.SurveyNeedsHessian ? (long)g.InputSize * g.InputSize : g.Layers.Max(l => (long)l.Rows * l.Columns)));
        }

        block.Release();
    }

    private static string PathOf(string workFolder, int block) => Path.Combine(workFolder, string.Create(CultureInfo.InvariantCulture, $"survey-{block:D5}.json"));
}
