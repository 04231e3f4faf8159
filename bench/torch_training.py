#!/usr/bin/env python3
"""Training steps of PyTorch on the CPU in single precision, to compare with `Halfbit.Benchmarks -- train`: same model, same ids, same loss.

usage: torch_training.py MODEL [SEQUENCES] [LENGTH] [THREADS] [STEPS]

Needs torch 1.13 or later and numpy (Debian: python3-torch, python3-numpy). LLaMA without RoPE scaling, and OPT whose norms come first.
OpenBLAS has threads of its own: they are set here, before it is loaded. OPENBLAS_CORETYPE chooses its kernels, ATEN_CPU_CAPABILITY=avx512 those of torch.
"""
import json
import os
import resource
import statistics
import struct
import sys
import time

THREADS = int(sys.argv[4]) if len(sys.argv) > 4 else os.cpu_count()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

LEARNING_RATE = 1e-4
CLIP = 1.0
WARM_UP = 1


def load(folder):
    """Config, and the tensors of model.safetensors in single precision."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        data = file.read()
    (size,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        kind = {"F16": numpy.float16, "F32": numpy.float32, "BF16": numpy.uint16}[entry["dtype"]]
        values = numpy.frombuffer(data[begin:end], kind)
        values = (values.astype(numpy.uint32) << 16).view(numpy.float32) if entry["dtype"] == "BF16" else values.astype(numpy.float32)
        tensors[name] = torch.nn.Parameter(torch.from_numpy(values.reshape(entry["shape"]).copy()))
    return config, tensors


def attention(q, k, v, heads, key_heads, turn):
    """Causal attention of [sequences, length, features]; query heads share key heads in groups."""
    sequences, length, _ = q.shape
    q, k, v = (x.view(sequences, length, h, -1).transpose(1, 2) for x, h in ((q, heads), (k, key_heads), (v, key_heads)))
    if turn is not None:
        q, k = turn(q), turn(k)
    if key_heads != heads:
        k, v = (x.repeat_interleave(heads // key_heads, dim=1) for x in (k, v))
    if hasattr(F, "scaled_dot_product_attention"):
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        mask = torch.full((length, length), float("-inf")).triu(1)
        scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2)) + mask
        mixed = torch.matmul(torch.softmax(scores, dim=-1), v)
    return mixed.transpose(1, 2).reshape(sequences, length, -1)


class Llama:
    def __init__(self, config, tensors, length):
        self.w, self.layers, self.epsilon = tensors, config["num_hidden_layers"], config["rms_norm_eps"]
        self.heads, self.key_heads = config["num_attention_heads"], config.get("num_key_value_heads", config["num_attention_heads"])
        size = config.get("head_dim") or config["hidden_size"] // self.heads
        angles = torch.outer(torch.arange(length).double(), config.get("rope_theta", 10000.0) ** (-torch.arange(0, size, 2).double() / size))
        self.cos, self.sin = (torch.cat((x, x), dim=-1).float() for x in (angles.cos(), angles.sin()))
        self.head = tensors["model.embed_tokens.weight"] if config.get("tie_word_embeddings") else tensors["lm_head.weight"]

    def turn(self, x):
        a, b = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat((-b, a), dim=-1) * self.sin

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.w[name + ".weight"]

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def __call__(self, ids):
        h = F.embedding(ids, self.w["model.embed_tokens.weight"])
        for layer in range(self.layers):
            at = f"model.layers.{layer}."
            n = self.norm(h, at + "input_layernorm")
            q, k, v = (self.linear(n, f"{at}self_attn.{x}_proj") for x in "qkv")
            h = h + self.linear(attention(q, k, v, self.heads, self.key_heads, self.turn), at + "self_attn.o_proj")
            n = self.norm(h, at + "post_attention_layernorm")
            h = h + self.linear(F.silu(self.linear(n, at + "mlp.gate_proj")) * self.linear(n, at + "mlp.up_proj"), at + "mlp.down_proj")
        return F.linear(self.norm(h, "model.norm"), self.head)


class Opt:
    def __init__(self, config, tensors, length):
        assert config.get("do_layer_norm_before", True) and config["activation_function"] == "relu" and config["word_embed_proj_dim"] == config["hidden_size"]
        self.w, self.layers, self.heads, self.length = tensors, config["num_hidden_layers"], config["num_attention_heads"], length

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], 1e-5)

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def __call__(self, ids):
        table = self.w["model.decoder.embed_tokens.weight"]
        h = F.embedding(ids, table) + self.w["model.decoder.embed_positions.weight"][2:2 + self.length]
        for layer in range(self.layers):
            at = f"model.decoder.layers.{layer}."
            n = self.norm(h, at + "self_attn_layer_norm")
            q, k, v = (self.linear(n, f"{at}self_attn.{x}_proj") for x in "qkv")
            h = h + self.linear(attention(q, k, v, self.heads, self.heads, None), at + "self_attn.out_proj")
            n = self.norm(h, at + "final_layer_norm")
            h = h + self.linear(F.relu(self.linear(n, at + "fc1")), at + "fc2")
        return F.linear(self.norm(h, "model.decoder.final_layer_norm"), table)


def random_ids(sequences, length, vocabulary):
    """[sequences, length + 1], the upper bits of Knuth's linear congruential generator: the ids of TrainBench.cs."""
    state, ids = 1, []
    for _ in range(sequences * (length + 1)):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        ids.append((state >> 33) % vocabulary)
    return torch.tensor(ids).view(sequences, length + 1)


def main():
    folder = sys.argv[1]
    sequences, length, steps = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((2, 8), (3, 512), (5, 5)))
    torch.set_num_threads(THREADS)
    config, tensors = load(folder)
    model = {"llama": Llama, "opt": Opt}[config["model_type"]](config, tensors, length)
    parameters = list(tensors.values())
    try:
        optimizer = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=0.0, fused=True)
    except (TypeError, RuntimeError):
        optimizer = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=0.0)
    ids = random_ids(sequences, length, config["vocab_size"])
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].reshape(-1)
    print(f"{folder}: {sequences} sequences of {length}, {THREADS} threads, torch {torch.__version__}, median of {steps} steps")
    passes, updates, losses = [], [], []
    for step in range(WARM_UP + steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(inputs).view(-1, config["vocab_size"]), targets)
        loss.backward()
        losses.append(loss.item())
        middle = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        if step >= WARM_UP:
            passes.append(middle - start)
            updates.append(time.perf_counter() - middle)
    total = statistics.median(a + b for a, b in zip(passes, updates))
    print(
        f"{'torch':<16} {targets.numel() / total:8.1f} tokens/s, {len(passes)} steps of {total:.3f} s: forward and backward {statistics.median(passes):.3f}, update {statistics.median(updates):.3f}; "
        f"nll first {losses[0]:.6f}, last {losses[-1]:.6f}; peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
