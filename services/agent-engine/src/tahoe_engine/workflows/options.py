"""How a worker works: numbers that tests shorten and deployments leave alone."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LeaseOptions:
    """How a worker shows that it lives.

    Attributes:
        seconds: For how long a beat holds; a worker that is silent for longer is taken for dead.
        beat_seconds: Pause between two beats. Three fit into a lease, so that one may be lost.
    """

    seconds: float = 5.0
    beat_seconds: float = 1.5


@dataclass(frozen=True)
class UpkeepOptions:
    """How the upkeep of one team is bounded.

    Attributes:
        max_batches: Batches of one step in one pass; what is left then waits for the next run.
        max_passes: How often all steps are gone through while there is something to do.
        batch_seconds: Time limit of one batch.
        attempts: How often a batch is tried in all.
        retry_seconds: Pause before the second attempt; each further one is twice as long.
    """

    max_batches: int = 200
    max_passes: int = 3
    batch_seconds: float = 120.0
    attempts: int = 4
    retry_seconds: float = 1.0


@dataclass(frozen=True)
class WorkerOptions:
    """How a process works on runs.

    Attributes:
        concurrency: Runs at a time in this process.
        poll_seconds: Pause between two looks at the queue.
        sweep_cron: When all teams are asked for, in UTC; once for all workers.
        keep_days: For how long finished runs can be looked up.
        grace_seconds: How long a stop waits for batches that have begun.
    """

    concurrency: int = 2
    poll_seconds: float = 1.0
    sweep_cron: str = "*/10 * * * *"
    keep_days: int = 7
    grace_seconds: float = 5.0
    lease: LeaseOptions = field(default_factory=LeaseOptions)
    upkeep: UpkeepOptions = field(default_factory=UpkeepOptions)
