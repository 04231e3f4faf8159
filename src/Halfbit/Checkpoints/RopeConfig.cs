namespace Halfbit.Checkpoints;

/// <summary>How rotary frequencies are stretched for contexts longer than those of training.</summary>
public enum RopeScaling
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>All frequencies divided by one factor.</summary>
    Linear,

    /// <summary>LLaMA 3: low frequencies divided, high ones kept, those between blended.</summary>
    Llama3,
}

/// <summary>Rotary positions: <c>rope_theta</c> and <c>rope_scaling</c>, or <c>rope_parameters</c> of newer files.</summary>
public sealed record RopeConfig
{
    /// <summary>Base of the frequencies θ^(−2i/d).</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>Kind of stretching.</summary>
    public RopeScaling Scaling { get; init; }

    /// <summary><c>factor</c>: how much longer the context becomes; 1 without scaling.</summary>
    public double Factor { get; init; } = 1;

    /// <summary><c>low_freq_factor</c> (Llama3): wavelengths above original positions ÷ this are divided.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary><c>high_freq_factor</c> (Llama3): wavelengths below original positions ÷ this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary><c>original_max_position_embeddings</c> (Llama3): context length of training, in tokens.</summary>
    public int OriginalPositions { get; init; }

    internal static RopeConfig Read(ModelConfigFields fields)
    {
        string name = fields.Find("rope_parameters") is null ? "rope_scaling" : "rope_parameters";
        double theta = fields.PositiveNumber("rope_theta", 10000);
        if (fields.Object(name) is not ModelConfigFields scaling) return new RopeConfig { Theta = theta };

        theta = scaling.PositiveNumber("rope_theta", theta);
        if (scaling.PositiveNumber("partial_rotary_factor", 1) != 1)
            throw scaling.Wrong("partial_rotary_factor", scaling.Find("partial_rotary_factor")!.Value, "1", "rotation of a part of each head is not supported");
        string key = scaling.Find("rope_type") is null && scaling.Find("type") is not null ? "type" : "rope_type";
        switch (scaling.OneOf(key, ["default", "linear", "llama3"], absent: name == "rope_parameters" ? "default" : null))
        {
            case "linear":
                return new RopeConfig { Theta = theta, Scaling = RopeScaling.Linear, Factor = scaling.PositiveNumber("factor") };
            case "llama3":
                double low = scaling.PositiveNumber("low_freq_factor");
                double high = scaling.PositiveNumber("high_freq_factor");
                if (high <= low) throw scaling.Contradiction($"{name}.high_freq_factor {high} is not above low_freq_factor {low}");
                return new RopeConfig
                {
                    Theta = theta,
                    Scaling = RopeScaling.Llama3,
                    Factor = scaling.PositiveNumber("factor"),
                    LowFrequencyFactor = low,
                    HighFrequencyFactor = high,
                    OriginalPositions = scaling.Integer("original_max_position_embeddings"),
                };
            default:
                return new RopeConfig { Theta = theta };
        }
    }
}
