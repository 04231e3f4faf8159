#!/usr/bin/env bash
# The results table: several methods on one model, as Markdown rows.
# bench/table.sh MODEL CALIBRATION TEXT [SAMPLES] [SEQ_LEN]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
model=$1 calibration=$2 text=$3 samples=${4:-128} length=${5:-512}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
field() { sed -n "s/.*\"$1\": \([0-9.eE+-]*\).*/\1/p" "$2" | head -n 1; }
row() { # label, folder, nominal bits
    "$root/halfbit" eval "$2" --perplexity "$text" --window "$length" --reference "$model" --json > "$work/eval.json" 2>/dev/null
    "$root/halfbit" inspect "$2" --json > "$work/inspect.json"
    printf '| %s | %s | %.3f | %.1f | %.2f | %.3f | %.1f |\n' "$1" "$3" "$(field trueBits "$work/inspect.json")" \
        "$(awk "BEGIN { print $(field bytes "$work/inspect.json") / 1e6 }")" "$(field value "$work/eval.json")" \
        "$(field klDivergence "$work/eval.json")" "$(awk "BEGIN { print 100 * $(field top1Agreement "$work/eval.json") }")"
}
echo "| method | nominal bits | true bits | weights files, MB | perplexity | KL, nats | equal top-1, % |"
echo "|---|---|---|---|---|---|---|"
row "original" "$model" 16
while IFS='|' read -r label options; do
    # shellcheck disable=SC2086
    "$root/halfbit" quantize "$model" -o "$work/out" --calibration "$calibration" --samples "$samples" --seq-len "$length" $options --json > "$work/quantize.json" 2>/dev/null
    row "$label" "$work/out" "$(printf '%.2f' "$(field nominalBits "$work/quantize.json")")"
    rm -rf "$work/out"
done <<'METHODS'
PB-LLM, 30 % salient|--method pb-llm --salient 0.3
PB-LLM, 10 % salient|--method pb-llm --salient 0.1
PB-LLM, 10 % salient, released|--method pb-llm --salient 0.1 --variant released
PB-LLM, 5 % salient|--method pb-llm --salient 0.05
PB-LLM, 5 % salient, released|--method pb-llm --salient 0.05 --variant released
PB-LLM, 20 % salient at 3 bit|--method pb-llm --salient 0.2 --salient-bits 3
PB-LLM, 15 % salient at 4 bit|--method pb-llm --salient 0.15 --salient-bits 4
GPTQ 3 bit, groups of 128|--method gptq --bits 3
GPTQ 2 bit, groups of 128|--method gptq --bits 2
RTN 2 bit, groups of 128|--method rtn --bits 2
XNOR, per row|--method xnor
sign, groups of 128|--method sign --group-size 128
METHODS
