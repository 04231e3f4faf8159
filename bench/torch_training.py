"""Training speed of PyTorch on the CPU, single precision, beside which Halfbit's is read.

    python3 bench/torch_training.py MODEL [sequences] [length] [threads]

MODEL is a folder with config.json and model.safetensors (LLaMA or OPT, one file). Token ids come from a linear congruential generator, so that
`dotnet run -c Release --project bench/Halfbit.Benchmarks -- train MODEL` sees the same ones: the first losses of both programs must agree.
"""
import json
import math
import struct
import sys
import time

import torch
import torch.nn.functional as F


def load(folder):
    with open(folder + "/model.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    return {
        name: torch.frombuffer(data, dtype=types[t["dtype"]], offset=t["data_offsets"][0], count=math.prod(t["shape"])).reshape(t["shape"]).float()
        for name, t in header.items() if name != "__metadata__"
    }


def ids(count, vocabulary):
    state, out = 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append((state >> 8) % vocabulary)
    return out


def turn(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


def attend(q, k, v, heads, keys, batch, length):
    q, k, v = (x.view(batch, length, n, -1).transpose(1, 2) for x, n in ((q, heads), (k, keys), (v, keys)))
    return q, k, v


def mix(q, k, v, batch, length):
    if q.shape[1] != k.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = (q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1]) + torch.full((length, length), -math.inf).triu(1)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch * length, -1)


def llama(p, c, x, batch, length):
    heads, keys, eps = c["num_attention_heads"], c["num_key_value_heads"], c["rms_norm_eps"]
    size = c.get("head_dim") or c["hidden_size"] // heads
    angle = torch.outer(torch.arange(length).float(), 1.0 / c.get("rope_theta", 10000.0) ** (torch.arange(0, size, 2).float() / size))
    cos, sin = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()
    norm = lambda h, w: h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps) * w
    h = p["model.embed_tokens.weight"][x]
    for layer in range(c["num_hidden_layers"]):
        w = lambda name: p[f"model.layers.{layer}.{name}.weight"]
        n = norm(h, w("input_layernorm"))
        q, k, v = attend(n @ w("self_attn.q_proj").T, n @ w("self_attn.k_proj").T, n @ w("self_attn.v_proj").T, heads, keys, batch, length)
        h = h + mix(turn(q, cos, sin), turn(k, cos, sin), v, batch, length) @ w("self_attn.o_proj").T
        m = norm(h, w("post_attention_layernorm"))
        h = h + (F.silu(m @ w("mlp.gate_proj").T) * (m @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
    head = p["model.embed_tokens.weight"] if c.get("tie_word_embeddings") else p["lm_head.weight"]
    return norm(h, p["model.norm.weight"]) @ head.T


def opt(p, c, x, batch, length):
    heads, hidden = c["num_attention_heads"], c["hidden_size"]
    at = "model.decoder."
    norm = lambda h, name: F.layer_norm(h, (hidden,), p[name + ".weight"], p[name + ".bias"], 1e-5)
    linear = lambda h, name: F.linear(h, p[name + ".weight"], p.get(name + ".bias"))
    h = p[at + "embed_tokens.weight"][x] + p[at + "embed_positions.weight"][2:2 + length].repeat(batch, 1)
    for layer in range(c["num_hidden_layers"]):
        block = f"{at}layers.{layer}."
        n = norm(h, block + "self_attn_layer_norm")
        q, k, v = attend(*(linear(n, f"{block}self_attn.{x}_proj") for x in "qkv"), heads, heads, batch, length)
        h = h + linear(mix(q, k, v, batch, length), block + "self_attn.out_proj")
        m = norm(h, block + "final_layer_norm")
        h = h + linear(F.relu(linear(m, block + "fc1")), block + "fc2")
    return norm(h, at + "final_layer_norm") @ p[at + "embed_tokens.weight"].T


def main():
    folder, batch, length, threads = sys.argv[1], *(int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((2, 8), (3, 512), (4, 2)))
    torch.set_num_threads(threads)
    config = json.load(open(folder + "/config.json"))
    parameters = {name: t.requires_grad_() for name, t in load(folder).items()}
    tokens = torch.tensor(ids(batch * length + 1, config["vocab_size"]))
    optimizer = torch.optim.AdamW(parameters.values(), lr=1e-5, weight_decay=0.0)
    model, times = opt if config["model_type"] == "opt" else llama, []
    for step in range(6):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=False)
        loss = F.cross_entropy(model(parameters, config, tokens[:-1], batch, length), tokens[1:])
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
        if step == 0:
            print(f"torch {torch.__version__}, {threads} threads, first loss {loss.item():.5f}")
    print(f"{batch * length / sorted(times[1:])[2]:.0f} tokens/s")


main()
