using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Halfbit.Evaluation;

/// <summary>Hashes of all that a task asks: equal hashes, equal requests.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Requests">Requests of all documents.</param>
/// <param name="RequestsSha256">Over every request in order: context, byte 1F, continuation with its blank, byte 1E, in UTF-8.</param>
/// <param name="GoldSha256">Over the index of each document's right choice in decimal, each with a line feed.</param>
public sealed record RequestFingerprint(int Documents, int Requests, string RequestsSha256, string GoldSha256)
{
    /// <summary>Hashes the items of some tasks, one after the other.</summary>
    public static RequestFingerprint Of(IEnumerable<TaskItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        using var requests = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var golds = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int documentCount = 0;
        int requestCount = 0;
        foreach (TaskItem item in items)
        {
            foreach (TaskRequest request in item.Requests)
            {
                requests.AppendData(Encoding.UTF8.GetBytes(request.Context));
                requests.AppendData([0x1f]);
                requests.AppendData(Encoding.UTF8.GetBytes(request.Continuation));
                requests.AppendData([0x1e]);
                requestCount++;
            }

            golds.AppendData(Encoding.UTF8.GetBytes(item.Gold.ToString(CultureInfo.InvariantCulture) + "\n"));
            documentCount++;
        }

        return new RequestFingerprint(documentCount, requestCount, Convert.ToHexStringLower(requests.GetHashAndReset()), Convert.ToHexStringLower(golds.GetHashAndReset()));
    }
}
