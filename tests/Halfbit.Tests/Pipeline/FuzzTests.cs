using System.Diagnostics;
using System.Globalization;
using System.Text;
using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Tests.Packing;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>
/// Damaged packed checkpoints are refused with a clear error or give wrong numbers, never anything else. HALFBIT_FUZZ_SECONDS says for how long to try (default 45); HALFBIT_FUZZ_SEED where to
/// start (default: always the same damages).
/// </summary>
public sealed class FuzzTests
{
    private const int DefaultSeconds = 45;
    private static readonly TimeSpan LongestTrial = TimeSpan.FromSeconds(20);
    private static readonly int[] Tokens = [256, 72, 101, 108, 108];

    private static readonly (string Method, string Key, string Value)[] Forms =
    [
        ("sign", "group-size", "16"), ("rtn", "bits", "3"), ("pb-llm", "salient", "0.1"), ("pb-llm", "low", "none"), ("billm", "group-size", "16"),
        ("stbllm", "keep", "4:8"), ("stbllm", "variant", "strict"), ("arb-llm", "group-size", "32"), ("arb-llm", "means", "on"),
    ];

    [Fact]
    public void Damaged_checkpoints_are_refused_or_give_wrong_numbers()
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        string[] packed = [.. Forms.SelectMany((form, f) =>
        {
            string output = folder[FormattableString.Invariant($"packed{f}")];
            string run = folder[FormattableString.Invariant($"run{f}")];
            _ = QuantizationJob.Run(ToyJob.Options(model, output, form.Method, (form.Key, form.Value)));
            _ = RunFolder.Write(output, run);
            return (string[])[output, run];
        })];

        int seed = Setting("HALFBIT_FUZZ_SEED", 1);
        TimeSpan limit = TimeSpan.FromSeconds(Setting("HALFBIT_FUZZ_SECONDS", DefaultSeconds));
        var watch = Stopwatch.StartNew();
        (int trials, int refused) = (0, 0);
        for (; watch.Elapsed < limit; seed++, trials++)
        {
            var random = new Random(seed);
            string source = packed[random.Next(packed.Length)];
            string damaged = folder["damaged"];
            Copy(source, damaged);
            string what = Damage(damaged, random);
            TimeSpan start = watch.Elapsed;
            try
            {
                ActivationPrecision? precision = random.Next(3) switch { 0 => null, 1 => ActivationPrecision.Exact, _ => ActivationPrecision.EightBits };
                using ModelFolder opened = ModelFolder.Open(damaged, precision);
                _ = opened.Decoder.Logits(Tokens);
            }
            catch (Exception exception) when (exception is CheckpointException or NumericsException)
            {
                refused++;
                Assert.False(exception.Message.Contains('\n', StringComparison.Ordinal), $"seed {seed}, {what}: more than one line: {exception.Message}");
            }
            catch (Exception exception)
            {
                Assert.Fail($"seed {seed}, {source}, {what}: {exception}");
            }

            Assert.True(watch.Elapsed - start < LongestTrial, $"seed {seed}, {what}: took {watch.Elapsed - start}");
        }

        Assert.InRange(trials, 20, int.MaxValue);
        Assert.InRange(refused, trials / 3, trials);
    }

    /// <summary>Damages one file of a checkpoint.</summary>
    private static string Damage(string folder, Random random)
    {
        string[] files = [.. Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)];
        string file = random.Next(12) == 0 ? Path.Combine(folder, "config.json") : files[random.Next(files.Length)];
        byte[] bytes = File.ReadAllBytes(file);
        string what;
        switch (random.Next(7))
        {
            case 0:
                Array.Resize(ref bytes, random.Next(bytes.Length));
                what = $"cut to {bytes.Length} bytes";
                break;
            case 1:
                Flip(bytes, 0, bytes.Length, random);
                what = "bits flipped";
                break;
            case 2 when !file.EndsWith(".json", StringComparison.Ordinal):
                Flip(bytes, 8, Math.Min(bytes.Length, 8 + (int)BitConverter.ToInt64(bytes, 0)), random);
                what = "header flipped";
                break;
            case 3:
                what = SwapDigits(bytes, random);
                break;
            case 4 when !file.EndsWith(".json", StringComparison.Ordinal):
                what = SwapTensors(bytes, random);
                break;
            default:
                what = DamageSealed(bytes, random);
                break;
        }

        File.WriteAllBytes(file, bytes);
        return $"{Path.GetFileName(file)} {what}";
    }

    private static void Flip(byte[] bytes, int start, int end, Random random)
    {
        for (int n = random.Next(1, 6); n > 0; n--) bytes[random.Next(start, end)] ^= (byte)(1 << random.Next(8));
    }

    /// <summary>Changes numbers in the text part: shapes and offsets that lie, tensors that change places.</summary>
    private static string SwapDigits(byte[] bytes, Random random)
    {
        int end = bytes[0] == '{' ? bytes.Length : Math.Min(bytes.Length, 8 + (int)BitConverter.ToInt64(bytes, 0));
        int[] digits = [.. Enumerable.Range(0, end).Where(i => bytes[i] is >= (byte)'0' and <= (byte)'9')];
        for (int n = random.Next(1, 4); n > 0 && digits.Length > 0; n--) bytes[digits[random.Next(digits.Length)]] = (byte)('0' + random.Next(10));
        return "digits changed";
    }

    /// <summary>Gives two layers of a block the names of each other.</summary>
    private static string SwapTensors(byte[] bytes, Random random)
    {
        string[] names = ["q_proj", "k_proj", "v_proj", "o_proj"];
        random.Shuffle(names);
        int end = Math.Min(bytes.Length, 8 + (int)BitConverter.ToInt64(bytes, 0));
        string header = Encoding.Latin1.GetString(bytes, 0, end).Replace(names[0], "######", StringComparison.Ordinal).Replace(names[1], names[0], StringComparison.Ordinal).Replace("######", names[1], StringComparison.Ordinal);
        Encoding.Latin1.GetBytes(header).CopyTo(bytes, 0);
        return $"{names[0]} and {names[1]} swapped";
    }

    /// <summary>Damages a packed matrix and makes its checksum fit.</summary>
    private static string DamageSealed(byte[] bytes, Random random)
    {
        int[] starts = [.. Enumerable.Range(0, Math.Max(0, bytes.Length - 32)).Where(i => bytes.AsSpan(i, 4).SequenceEqual("HBPK"u8) || IsTiles(bytes, i))];
        if (starts.Length == 0)
        {
            Flip(bytes, 0, bytes.Length, random);
            return "bits flipped";
        }

        int at = random.Next(starts.Length);
        int end = IsTiles(bytes, starts[at]) ? starts[at] + BitConverter.ToInt32(bytes, starts[at] + 36) : at + 1 < starts.Length ? starts[at + 1] : bytes.Length;
        byte[] blob = bytes[starts[at]..end];
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int place = random.Next(2) == 0 ? 8 + random.Next(Math.Min(blob.Length, IsTiles(blob, 0) ? 400 : 120) - 8) : 8 + random.Next(blob.Length - 8);
            blob[place] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(blob[place] ^ (1 << random.Next(8)));
        }

        DamagedBlobTests.Resealed(blob).CopyTo(bytes, starts[at]);
        return $"packed matrix {at} damaged behind a valid checksum";
    }

    private static bool IsTiles(byte[] bytes, int at) => bytes.AsSpan(at, 4).SequenceEqual("HBTL"u8);

    private static void Copy(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
    }

    private static int Setting(string name, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
