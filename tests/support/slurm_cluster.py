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

import psutil

# credentials expire soon, because SLURM waits that long before it runs a lost job again
CONFIG = """
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
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


class Cluster:
    """Its daemons, the folder that holds everything of it, and the environment in which its
    commands work.
    """

    def __init__(self, folder):
        self.folder, self.daemons = folder, {}
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SLURM_", "SBATCH_", "CUDA_"))
        }
        path = f"{folder}/bin:{os.environ['PATH']}"
        self.environment = {**kept, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}

    def start(self, name, *command):
        """Start a daemon under a name of its own."""
        with open(self.folder / f"{name}.out", "a") as log:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log
            )

    def start_node(self, node):
        self.start(node, "slurmd", "-D", "-N", node)

    def start_all(self, nodes):
        """Start all daemons, and wait until the nodes take jobs."""
        parts = ("socket", "key-file", "pid-file", "log-file", "seed-file")
        munge = [f"--{part}={self.folder}/munge.{part.split('-')[0]}" for part in parts]
        self.start("munged", "munged", "--foreground", "--force", *munge)
        wait_until((self.folder / "munge.socket").exists, "munged does not start")
        self.start("slurmctld", "slurmctld", "-D", "-c")
        for node in nodes:
            self.start_node(node)
        idle = ["idle"] * len(nodes)
        wait_until(lambda: states(self.environment) == idle, "the nodes are not up")

    def lose_node(self, node, job):
        """Power off a node on which a job runs: nothing of either is left, and SLURM notices."""
        self.daemons.pop(node).kill()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                of_job = process.environ().get("SLURM_JOB_ID") == job
                if of_job or f"[{job}." in " ".join(process.cmdline()):
                    process.kill()
        self.control("update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def control(self, *arguments):
        """Run scontrol."""
        subprocess.run(["scontrol", *arguments], env=self.environment, check=True)

    def stop(self):
        for process in reversed(self.daemons.values()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def running_cluster(nodes=("node1",)):
    """Yield a cluster."""
    with tempfile.TemporaryDirectory(
        prefix="slurm-", dir="/tmp", ignore_cleanup_errors=True
    ) as name:
        cluster = Cluster(Path(name))
        write_files(cluster.folder, nodes)
        try:
            cluster.start_all(nodes)
        except BaseException:
            cluster.stop()
            logs = cluster.folder.glob("*.out")
            print(*(log.read_text()[-2000:] for log in logs), file=sys.stderr)
            raise
        try:
            yield cluster
        finally:
            command = ["scancel", "--user=root"]
            subprocess.run(command, env=cluster.environment, check=False)
            with contextlib.suppress(RuntimeError):
                wait_until(lambda: not squeue(cluster.environment), "jobs still run")
            cluster.stop()


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
    with running_cluster() as given:
        sys.exit(subprocess.run(sys.argv[1:], env=given.environment, check=False).returncode)
