#!/usr/bin/env bash
# PARTS must be as many as the array has: a task that is sent again by itself (--array=3) is still part 3 of 16.
# A million images in 16 parts:
#   DECODER=runs/sprites/export/decoder.onnx OUT=/scratch/samples.tar sbatch slurm-array.sh
#SBATCH --job-name=onnxvae-generate
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --requeue
set -euo pipefail

exec onnxvae generate "${DECODER:?a decoder.onnx}" \
  --count "${COUNT:-1000000}" --seed "${SEED:-1}" \
  --shard "$SLURM_ARRAY_TASK_ID/${PARTS:-16}" \
  --threads "${SLURM_CPUS_PER_TASK:-0}" \
  --out "${OUT:?where images go}"
