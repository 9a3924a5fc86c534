#!/usr/bin/env bash
# One model on four nodes, a process on each; the run's folder and the images are on a file system that all of them see:
#   DATA=/scratch/photos OUT=/scratch/runs/photos sbatch slurm-train.sh --image-size 64 --epochs 200
# Sent again, by --requeue or by hand and also with another number of nodes, it goes on from the newest checkpoint.
# MPI is how the cluster's MPI library starts under srun ('srun --mpi=list'): pmix for Open MPI, pmi2 for MPICH.
#SBATCH --job-name=onnxvae-train
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

resume=()
if [ -e "${OUT:?the run folder}/options.json" ]; then resume=(--resume); fi

exec srun --mpi="${MPI:-pmix}" --kill-on-bad-exit=1 onnxvae train \
  --data "${DATA:?the images}" --batch "${BATCH:-256}" --threads "${SLURM_CPUS_PER_TASK:-0}" --out "$OUT" "$@" "${resume[@]}"
