#!/usr/bin/env bash
# One run on all machines of a Slurm job: sbatch --nodes=4 --gpus-per-node=1 deploy/slurm.sh --dataset=yahoo ...
# The checkout and the run folder must lie where all machines see them; the batch is shared by all of them.
#SBATCH --job-name=du_vae_tf
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --signal=TERM@120
set -euo pipefail

port=${DU_VAE_TF_PORT:-29500}
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$port\"/" | paste -sd,)
export hosts

# Built once, so that the machines do not build the same thing side by side.
./bazelw build //du_vae_tf:train

# Status 75 says that the run is saved and the same command goes on.
status=0
srun --kill-on-bad-exit=0 bash -c '
  export TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec bazel-bin/du_vae_tf/train --strategy=multi_worker "$@"' worker "$@" || status=$?
if [ "$status" -eq 75 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
