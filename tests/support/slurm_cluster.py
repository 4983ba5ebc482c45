"""A private SLURM of one or more nodes on this machine, each with two GPUs that exist for the
scheduler alone.

`python tests/support/slurm_cluster.py COMMAND …` runs a command on it, say `snakemake --profile
slurm`. It wants root and
SLURM's programs (Debian: slurm-wlm, munge); it listens on free local ports, keeps everything in a
temporary folder and stops what it started. It schedules and sets CUDA_VISIBLE_DEVICES, but confines
nobody: no cgroups, no accounting.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
TaskProlog={folder}/task_prolog
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
MinJobAge=3600
MessageTimeout=60
ReturnToService=2
KillWait=2
SchedulerParameters=sched_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
GresTypes=gpu
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16 RealMemory=64000 "
    "Gres=gpu:2\n"
)

# what each step of a job sees: the job's number, its GPUs and its node
PROLOG = """#!/bin/sh
echo "$SLURM_JOB_ID ${{CUDA_VISIBLE_DEVICES-none}} $SLURMD_NODENAME" >> {folder}/gpus_seen
"""

# runs Snakemake. Its executor waits ten seconds longer each time that no job has ended: right for
# hours, here it asks every two seconds
HURRIED = """
from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor
Executor.next_seconds_between_status_checks = property(lambda self: 2, lambda self, seconds: None)
main()
"""

# the executor clears SLURM_* before it calls srun, which would then look for the configuration in
# /etc
SRUN = '#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n'


def missing():
    """Why no cluster can be started here, or None."""
    if os.getuid() != 0:
        return "a private SLURM needs root"
    programs = [
        p
        for p in ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
        if not shutil.which(p)
    ]
    if not programs:
        return None
    return f"SLURM is missing: apt-get install slurm-wlm munge (no {', '.join(programs)})"


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def write_files(folder, nodes):
    host = socket.gethostname().split(".")[0]
    control, *ports = free_ports(1 + len(nodes))
    values = {"folder": folder, "host": host, "port": control, "srun": shutil.which("srun")}
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    config = CONFIG.format(**values)
    for name, port in zip(nodes, ports, strict=True):
        config += NODE.format(name=name, host=host, port=port)
    (folder / "slurm.conf").write_text(config)
    (folder / "gres.conf").write_text(
        "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"
    )  # any two devices will do
    for path, text in ((folder / "task_prolog", PROLOG), (folder / "bin/srun", SRUN)):
        path.write_text(text.format(**values))
        path.chmod(0o755)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)


def wait_until(done, otherwise, seconds=60, every=0.5):
    """What `done` returns once it is true; raises RuntimeError(`otherwise`) after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := done()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise} ({seconds} s)")
        time.sleep(every)
    return result


def stop(started):
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def running_cluster(nodes=("node1",)):
    """Yield the folder of a cluster and the environment in which its commands work."""
    with tempfile.TemporaryDirectory(
        prefix="slurm-", dir="/tmp", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        write_files(folder, nodes)
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("SLURM_", "SBATCH_", "CUDA_"))
            },
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
        }
        parts = ("socket", "key-file", "pid-file", "log-file", "seed-file")
        munge = [f"--{part}={folder}/munge.{part.split('-')[0]}" for part in parts]
        commands = [
            ["munged", "--foreground", "--force", *munge],
            ["slurmctld", "-D", "-c"],
            *(["slurmd", "-D", "-N", node] for node in nodes),
        ]
        started = []
        try:
            for command in commands:
                with open(folder / f"{command[0]}.out", "a") as log:
                    started.append(
                        subprocess.Popen(command, env=environment, stdout=log, stderr=log)
                    )
                if command[0] == "munged":
                    wait_until((folder / "munge.socket").exists, "munged does not start")
            idle = ["idle"] * len(nodes)
            wait_until(lambda: states(environment) == idle, "the nodes are not up")
        except BaseException:
            stop(started)
            print(*(log.read_text()[-2000:] for log in folder.glob("*.out")), file=sys.stderr)
            raise
        try:
            yield folder, environment
        finally:
            subprocess.run(["scancel", "--user=root"], env=environment, check=False)
            with contextlib.suppress(RuntimeError):
                wait_until(lambda: not squeue(environment), "jobs still run")
            stop(started)


def states(environment):
    """The state of each node."""
    command = ["sinfo", "-h", "-N", "-o", "%T"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return found.stdout.split()


def squeue(environment, states="PENDING,RUNNING,COMPLETING", form="%i %k"):
    """The lines of squeue: by default number and comment (rule and wildcards) of what waits or
    runs.
    """
    done = subprocess.run(
        ["squeue", "-h", "-t", states, "-o", form],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    with running_cluster() as (_, cluster_environment):
        sys.exit(subprocess.run(sys.argv[1:], env=cluster_environment, check=False).returncode)
