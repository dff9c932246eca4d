#!/bin/bash
# Workers of one study as a Slurm array: each joins, trains until the budget is used up or its time is over, and leaves.
#SBATCH --job-name=bcsearch
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --gres=gpu:1
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue

# BCSEARCH_STORAGE comes from the environment of sbatch: postgresql://user:password@host/bcsearch
export BCSEARCH_CACHE="${BCSEARCH_CACHE:-${TMPDIR:-/tmp}/bcsearch}"
export TF_NUM_INTRAOP_THREADS="$SLURM_CPUS_PER_TASK" OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"

# the study may not be there yet: 'bcsearch run' loads data and weights before it makes it
until bcsearch status --study "${STUDY:-lite}" > /dev/null 2>&1; do sleep 10; done

# SIGTERM comes two minutes before the end: passed on, it makes the worker keep a checkpoint and release its trial
bcsearch worker --study "${STUDY:-lite}" --data "${DATA:-/data/cells.npz}" --artifacts "${ARTIFACTS:-/shared/trials}" &
worker=$!
trap 'kill -TERM "$worker"' TERM
wait "$worker" || wait "$worker"
