#!/usr/bin/env bash
# Writes a checkpoint of LLaMA-7B shapes (default: two blocks, 1.3 GB) to the folder given: bench/make-synthetic.sh OUT [BLOCKS]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec dotnet run --project "$root/bench/Halfbit.Benchmarks" -c Release -- synthetic "$@"
