using Halfbit.Evaluation;

namespace Halfbit.Tests.Evaluation.Tasks;

/// <summary>What each built-in task makes of a row, in the normalised form and in its authors'.</summary>
public sealed class BuiltInTaskTests : IDisposable
{
    private readonly TaskFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void BoolQ()
    {
        TaskItem item = folder.OnlyItem("boolq", "boolq.jsonl", """{"question":"is it so","passage":"Title -- Text.","idx":0,"label":1}""");
        Assert.Equal([new("Title -- Text.\nQuestion: is it so?\nAnswer:", " no"), new("Title -- Text.\nQuestion: is it so?\nAnswer:", " yes")], item.Requests);
        Assert.Equal(1, item.Gold);
        TaskFolder.AssertEqual(item, folder.OnlyItem("boolq", "BoolQ/val.jsonl", """{"question":"is it so","passage":"Title -- Text.","idx":0,"label":true}"""));
        TaskFolder.AssertEqual(item, folder.OnlyItem("boolq", "boolq/dev.jsonl", """{"question":"is it so","title":"Title","answer":true,"passage":"Text."}"""));
        Assert.Equal(0, folder.OnlyItem("boolq", "BoolQ/val.jsonl", """{"question":"q","passage":"p","label":false}""").Gold);
    }

    [Theory]
    [InlineData("piqa/valid")]
    [InlineData("physicaliqa-train-dev/dev")]
    public void Piqa_takes_labels_from_the_rows_or_from_the_file_beside(string authors)
    {
        TaskItem item = folder.OnlyItem("piqa", "piqa.jsonl", """{"goal":"Boil.","sol1":"a ","sol2":"bé😀","label":1}""");
        Assert.Equal([new("Question: Boil.\nAnswer:", " a "), new("Question: Boil.\nAnswer:", " bé😀")], item.Requests);
        Assert.Equal([2, 3], item.Lengths); // code points: neither bytes nor UTF-16 units
        Assert.Equal(1, item.Gold);

        folder.Write($"{authors}.jsonl", """{"goal":"Boil.","sol1":"a ","sol2":"bé😀"}""", """{"goal":"g","sol1":"x","sol2":"y"}""");
        Assert.Contains("field 'label' is missing", folder.Failure("piqa"), StringComparison.Ordinal);
        folder.Write($"{authors}-labels.lst", "1", "0");
        IReadOnlyList<TaskItem> items = folder.Items("piqa");
        TaskFolder.AssertEqual(item, items[0]);
        Assert.Equal((1, 0), (items[1].Index, items[1].Gold));
        foreach (string[] labels in (string[][])[["1"], ["1", "0", "0"]])
        {
            string file = folder.Write($"{authors}-labels.lst", labels);
            string message = folder.Failure("piqa");
            Assert.Contains(file, message, StringComparison.Ordinal);
            Assert.Contains($"{labels.Length} labels", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void HellaSwag_cleans_the_marks_of_its_source()
    {
        TaskItem item = folder.OnlyItem(
            "hellaswag", "hellaswag_val.jsonl",
            """{"ind":4,"activity_label":" Baking","ctx_a":"[header] Mix [title] Stir.  [step] Wait.","ctx_b":"éLLE iS [x\ny]","endings":["[substeps] Eat   it. ","a [title] b","plain","[b] [c]d  "],"label":"2"}""");
        Assert.Equal("Baking: Mix. Stir.  Wait. Élle is [x\ny]", item.Requests[0].Context);
        Assert.Equal(["  Eat  it.", " a. b", " plain", "  d"], item.Requests.Select(r => r.Continuation));
        Assert.Equal([9, 4, 5, 2], item.Lengths);
        Assert.Equal(2, item.Gold);
        Assert.Equal("A: B", folder.OnlyItem("hellaswag", "hellaswag.jsonl", """{"activity_label":"A","ctx_a":"B","ctx_b":"","endings":["a","b","c","d"],"label":"0"}""").Requests[0].Context);
    }

    [Fact]
    public void WinoGrande_scores_the_rest_of_the_sentence_after_either_option()
    {
        TaskItem item = folder.OnlyItem("winogrande", "winogrande_1.1/dev.jsonl", """{"qID":"x","sentence":"Ann asked Bea as _ knew _ well. ","option1":"Ann","option2":"Beatrice","answer":"2"}""");
        Assert.Equal([new("Ann asked Bea as Ann", " knew _ well."), new("Ann asked Bea as Beatrice", " knew _ well.")], item.Requests);
        Assert.Equal([20, 25], item.Lengths);
        Assert.Equal(1, item.Gold);
        folder.Write("winogrande.jsonl", """{"sentence":"No gap.","option1":"a","option2":"b","answer":"1"}""");
        Assert.Contains("line 1: field 'sentence' has no gap '_'", folder.Failure("winogrande"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("arc_easy", "ARC-Easy")]
    [InlineData("arc_challenge", "ARC-Challenge")]
    public void Arc_has_three_to_five_choices_with_letters_or_digits(string name, string set)
    {
        TaskItem item = folder.OnlyItem(name, name + ".jsonl", """{"question":"Why?","choices":{"text":["a","b","c"],"label":["1","2","3"]},"answerKey":"3"}""");
        Assert.Equal([new("Question: Why?\nAnswer:", " a"), new("Question: Why?\nAnswer:", " b"), new("Question: Why?\nAnswer:", " c")], item.Requests);
        Assert.Equal(2, item.Gold);
        string authors = """{"id":"M_1","question":{"stem":"Why?","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"},{"text":"c","label":"C"}]},"answerKey":"C"}""";
        TaskFolder.AssertEqual(item, folder.OnlyItem(name, $"ARC-V1-Feb2018-2/{set}/{set}-Test.jsonl", authors));
        Assert.Equal(4, folder.OnlyItem(name, name + ".jsonl", """{"question":"Q","choices":{"text":["a","b","c","d","e"],"label":["A","B","C","D","E"]},"answerKey":"E"}""").Gold);
    }

    [Fact]
    public void OpenBookQa()
    {
        TaskItem item = folder.OnlyItem("openbookqa", "openbookqa.jsonl", """{"question_stem":"The sun","choices":{"text":["shines","rains","is cold","sings"],"label":["A","B","C","D"]},"answerKey":" A"}""");
        Assert.Equal([new("The sun", " shines"), new("The sun", " rains"), new("The sun", " is cold"), new("The sun", " sings")], item.Requests);
        Assert.Equal(0, item.Gold);
        string authors = """{"id":"7-1","question":{"stem":"The sun","choices":[{"text":"shines","label":"A"},{"text":"rains","label":"B"},{"text":"is cold","label":"C"},{"text":"sings","label":"D"}]},"answerKey":"A"}""";
        TaskFolder.AssertEqual(item, folder.OnlyItem("openbookqa", "OpenBookQA-V1-Sep2018/Data/Main/test.jsonl", authors));
    }

    [Fact]
    public void Rte()
    {
        TaskItem item = folder.OnlyItem("rte", "rte.jsonl", """{"sentence1":"It rains.","sentence2":"It is wet.","label":1,"idx":0}""");
        Assert.Equal([new("It rains.\nQuestion: It is wet. True or False?\nAnswer:", " True"), new("It rains.\nQuestion: It is wet. True or False?\nAnswer:", " False")], item.Requests);
        Assert.Equal(1, item.Gold);
        TaskFolder.AssertEqual(item, folder.OnlyItem("rte", "RTE/val.jsonl", """{"premise":"It rains.","hypothesis":"It is wet.","label":"not_entailment","idx":0}"""));
        Assert.Equal(0, folder.OnlyItem("rte", "RTE/val.jsonl", """{"premise":"p","hypothesis":"h","label":"entailment"}""").Gold);
    }

    [Fact]
    public void Lambada_cuts_at_the_last_blank_and_leaves_other_white_space()
    {
        TaskItem item = folder.OnlyItem("lambada_openai", "lambada_test.jsonl", """{"text":"some kind\n of\n\nPower"}""");
        Assert.Equal(new TaskRequest("some kind\n", " of\n\nPower"), Assert.Single(item.Requests));
        Assert.Equal(0, item.Gold);
        folder.Write("lambada_openai.jsonl", """{"text":"alone"}""");
        Assert.Contains("one word", folder.Failure("lambada_openai"), StringComparison.Ordinal);
    }

    [Fact]
    public void Mmlu_shows_the_first_examples_of_the_subject()
    {
        folder.Write(
            "mmlu_test.jsonl",
            """{"question":" Two? ","subject":"us_foreign_policy","choices":[" w","x","y","z"],"answer":3}""",
            """{"question":"Other","subject":"virology","choices":["1","2","3","4"],"answer":0}""");
        folder.Write(
            "mmlu_dev.jsonl",
            """{"question":"No.","subject":"virology","choices":["n","n","n","n"],"answer":0}""",
            """{"question":"One?\n","subject":"us_foreign_policy","choices":["a","b","c","d"],"answer":1}""",
            """{"question":"Last","subject":"us_foreign_policy","choices":["a","b","c","d"],"answer":0}""");
        const string Description = "The following are multiple choice questions (with answers) about us foreign policy.\n\n";
        TaskItem item = Assert.Single(folder.Items("mmlu_us_foreign_policy"));
        Assert.Equal(Description + "Two?\nA.  w\nB. x\nC. y\nD. z\nAnswer:", item.Requests[0].Context);
        Assert.Equal([" A", " B", " C", " D"], item.Requests.Select(r => r.Continuation));
        Assert.Equal(3, item.Gold);
        TaskItem shown = Assert.Single(folder.Items("mmlu_us_foreign_policy_1shot"));
        Assert.Equal(Description + "One?\nA. a\nB. b\nC. c\nD. d\nAnswer: B\n\nTwo?\nA.  w\nB. x\nC. y\nD. z\nAnswer:", shown.Requests[2].Context);
        Assert.Contains("3 examples are asked for", folder.Failure("mmlu_us_foreign_policy", shots: 3), StringComparison.Ordinal);
        Assert.Contains("no row has the subject 'anatomy'", folder.Failure("mmlu_anatomy"), StringComparison.Ordinal);

        TaskItem old = Assert.Single(folder.Items("mmlu_us_foreign_policy", harness: Harness.Version03));
        Assert.Equal("Question:  Two? \nChoices:\nA.  w\nB. x\nC. y\nD. z\nAnswer:", old.Requests[0].Context);
        Assert.Equal(["  w", " x", " y", " z"], old.Requests.Select(r => r.Continuation));
        Assert.Throws<TaskException>(() => folder.Items("mmlu_us_foreign_policy", harness: Harness.Version03, shots: 1));
    }
}
