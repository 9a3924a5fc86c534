#!/usr/bin/env bash
# One model on four nodes, a process on each; the run's folder and the images are on a file system that all of them see:
#   DATA=/scratch/photos OUT=/scratch/runs/photos sbatch slurm-train.sh --image-size 64 --epochs 200
# Slurm sends SIGTERM two minutes before the time limit; the run then writes a checkpoint, and the job puts itself back into the queue. It may also be sent again by
# hand with the same variables, for another number of nodes or more epochs: a run that is there goes on from its newest checkpoint.
# MPI is how the cluster's MPI library starts under srun ('srun --mpi=list'): pmix for Open MPI, pmi2 for MPICH.
#SBATCH --job-name=onnxvae-train
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

how=(--batch "${BATCH:-256}")
if [ -e "${OUT:?the run folder}/options.json" ]; then how=(--resume); fi

# srun does not take --cpus-per-task over from the job.
code=0
srun --mpi="${MPI:-pmix}" --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" onnxvae train \
  --data "${DATA:?the images}" --threads "${SLURM_CPUS_PER_TASK:-0}" --out "$OUT" "$@" "${how[@]}" || code=$?
if [ "$code" = 130 ]; then scontrol requeue "$SLURM_JOB_ID"; fi # stopped in time
exit "$code"
