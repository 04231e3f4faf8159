using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class TrainingStateTests
{
    [Fact]
    public void A_resumed_run_ends_with_the_bits_of_an_uninterrupted_one()
    {
        using var folder = new TemporaryFolder();
        var whole = new ToyRun();
        whole.Train(9);

        var stopped = new ToyRun();
        stopped.Train(4);
        stopped.Save(folder["state.safetensors"]);
        stopped.Train(1);                                   // work after the last save is lost
        ToyRun resumed = ToyRun.Load(folder["state.safetensors"]);
        resumed.Train(5);
        Assert.Equal(whole.Values, resumed.Values);
        whole.Save(folder["whole.safetensors"]);
        resumed.Save(folder["resumed.safetensors"]);
        Assert.Equal(File.ReadAllBytes(folder["whole.safetensors"]), File.ReadAllBytes(folder["resumed.safetensors"]));
        Assert.NotEqual(File.ReadAllBytes(folder["state.safetensors"]), File.ReadAllBytes(folder["resumed.safetensors"]));
    }

    [Fact]
    public void Reading_and_writing_again_gives_the_same_bytes_and_leaves_no_other_file()
    {
        using var folder = new TemporaryFolder();
        var run = new ToyRun();
        run.Train(2);
        run.Save(folder["a.safetensors"]);
        run.Save(folder["a.safetensors"]);                  // replaces itself
        ToyRun.Load(folder["a.safetensors"]).Save(folder["b.safetensors"]);
        Assert.Equal(File.ReadAllBytes(folder["a.safetensors"]), File.ReadAllBytes(folder["b.safetensors"]));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    [Fact]
    public void Values_of_both_precisions_survive_to_the_bit()
    {
        using var folder = new TemporaryFolder();
        double[] exact = [double.Epsilon, -0.0, double.MaxValue, 1 / 3.0];
        float[] single = [float.Epsilon, -0f, float.MaxValue, 1 / 3f, 5];
        TrainingState.Write(folder["s"], [StateTensor.Of("d", [2, 2], [.. exact]), StateTensor.Of("f", [5], [.. single])], TrainingPosition.Start, []);
        var d = new double[4];
        var f = new float[5];
        TrainingPosition position = TrainingState.Read(folder["s"], [StateTensor.Of("d", [2, 2], d), StateTensor.Of("f", [5], f)], []);
        Assert.Equal(exact.Select(BitConverter.DoubleToInt64Bits), d.Select(BitConverter.DoubleToInt64Bits));
        Assert.Equal(single.Select(BitConverter.SingleToInt32Bits), f.Select(BitConverter.SingleToInt32Bits));
        Assert.Equal((0, 0, 0), (position.Step, position.Sequences, position.Random.Count));
    }

    [Theory]
    [InlineData("lr", "0.02", "option 'lr' is 0.01 in the state and 0.02 in this run")]
    [InlineData("seed", null, "option 'seed' is 11 in the state and absent in this run")]
    [InlineData("extra", "1", "option 'extra' is absent in the state and 1 in this run")]
    [InlineData("form", """{"salient":0.3}""", "option 'form.salient' is 0.2 in the state and 0.3 in this run")]
    public void Other_options_are_named(string option, string? value, string expected)
    {
        using var folder = new TemporaryFolder();
        new ToyRun().Save(folder["s"]);
        JsonObject options = ToyRun.Options;
        if (value is null) options.Remove(option);
        else options[option] = JsonNode.Parse(value);
        AssertError(() => ToyRun.Load(folder["s"], options), expected);
    }

    [Fact]
    public void Tensors_that_are_missing_or_too_many_or_of_another_kind_are_named()
    {
        using var folder = new TemporaryFolder();
        List<StateTensor> tensors = new ToyRun().Tensors;
        Write([.. tensors.Where(t => t.Declaration.Name != "second.weight")]);
        AssertError(() => ToyRun.Load(folder["s"]), "tensor 'second.weight' is missing");
        Write([.. tensors, StateTensor.Of("value.more", [1], new float[1])]);
        AssertError(() => ToyRun.Load(folder["s"]), "tensor 'value.more' does not belong to this run");
        Write([.. tensors.Select(t => t.Declaration.Name == "value.bias" ? StateTensor.Of("value.bias", [1, 20], new float[20]) : t)]);
        AssertError(() => ToyRun.Load(folder["s"]), "tensor 'value.bias' is F32 [1, 20], expected F32 [1, 19]");
        Write([.. tensors.Select(t => t.Declaration.Name == "value.bias" ? StateTensor.Of("value.bias", [1, 19], new double[19]) : t)]);
        AssertError(() => ToyRun.Load(folder["s"]), "tensor 'value.bias' is F64 [1, 19], expected F32 [1, 19]");
        tensors[^1].Bytes(5, 1).Fill(0xFF);
        Write(tensors);
        AssertError(() => ToyRun.Load(folder["s"]), "tensor 'second.bias' holds a value that is not finite at element 5");

        void Write(IReadOnlyList<StateTensor> some) => TrainingState.Write(folder["s"], some, new TrainingPosition(1, 2, [1, ulong.MaxValue]), ToyRun.Options);
    }

    [Fact]
    public void Damaged_files_are_reported_with_file_and_reason()
    {
        using var folder = new TemporaryFolder();
        new ToyRun().Save(folder["s"]);
        byte[] good = File.ReadAllBytes(folder["s"]);
        AssertError(() => ToyRun.Load(folder["absent"]), "absent");
        Damage(bytes => bytes[..^100], "");
        Damage(bytes => bytes[..5], "");
        Damage(bytes => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)], "the data do not match 'sha256'");
        Damage(bytes => Replace(bytes, "\\u0022step\\u0022:0", "\\u0022step\\u0022:x"), "is not the JSON of a training state");
        Damage(bytes => Replace(bytes, "\\u0022version\\u0022:1", "\\u0022version\\u0022:7"), "field 'version' of the training state is 7, expected 1");
        Damage(bytes => Replace(bytes, "\\u0022sequences\\u0022", "\\u0022sequencEs\\u0022"), "field 'sequences' of the training state is missing");
        Damage(bytes => Replace(bytes, "halfbit.training", "halfbit.trainIng"), "the file is no training state");

        void Damage(Func<byte[], byte[]> change, string expected)
        {
            File.WriteAllBytes(folder["bad"], change([.. good]));
            AssertError(() => ToyRun.Load(folder["bad"]), expected);
        }

        static byte[] Replace(byte[] bytes, string from, string to)
        {
            int at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(from));
            Assert.True(at >= 0, $"{from} is not in the header");
            System.Text.Encoding.UTF8.GetBytes(to).CopyTo(bytes, at);
            return bytes;
        }
    }

    private static void AssertError(Action action, string expected)
    {
        CheckpointException exception = Assert.Throws<CheckpointException>(action);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
        Assert.Matches(@"(s|bad|absent): ", exception.Message);
    }
}
