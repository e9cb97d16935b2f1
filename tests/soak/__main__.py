"""Runs the soak: epochs of random actions on a fresh host, each of which ends well and is then judged as a whole."""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sandbox.sandbox import Sandbox
from tests import processes
from tests.bring_up import FLAVOURS, of_three_hosts
from tests.faults.relay import redirected, relayed
from tests.integration.conftest import Operator, container, fresh, image_id
from tests.soak.actions import DEPLOY, Actor, Violation, act

ACTIONS = 15  # of an epoch
TRIES = 4  # deploys until the host is well again: one may tell how an orphan ended, one take over what that left
ALLOWED = "started after"  # another image than the one whose migration came last: what follows a failed one


def main(arguments: Sequence[str]) -> int:
    """Soak for some minutes and return the exit code: 0 when nothing was violated."""
    options = parsed(arguments)
    ended: Counter[str] = Counter()
    deadline, number = time.monotonic() + 60 * options.minutes, options.epoch
    print(f"seed {options.seed}", flush=True)
    processes.take_interrupts()
    try:
        with tempfile.TemporaryDirectory() as folder, of_three_hosts(Path(folder, "sandbox").resolve()) as sandbox:
            while time.monotonic() < deadline:
                if not epoch(sandbox, Path(folder), f"{options.seed}-{number}", ended):
                    return 1
                number += 1
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        print(f"seed {options.seed}: {number - options.epoch} epochs well, of {ACTIONS} actions each")
        print("\n".join(f"  {count:5} {what}" for what, count in sorted(ended.items())))
    return 0


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="what the random choices come from")
    parser.add_argument("--epoch", type=int, default=0, help="the first epoch, to repeat one that was told")
    return parser.parse_args(arguments)


def epoch(sandbox: Sandbox, folder: Path, seed: str, ended: Counter[str]) -> bool:
    """Act on a fresh host, bring it to a good end, judge all of it; tells what happened where a rule was broken."""
    rng = random.Random(seed)  # noqa: S311
    name = FLAVOURS[rng.choice(sorted(FLAVOURS))]
    operator = Operator(sandbox, fresh(sandbox, name), name)
    operator.judge.begin()
    with relayed(operator.host.port) as relay:
        config = redirected(sandbox, {operator.host.port: relay.port}, folder)
        actor = Actor(operator, relay, config, rng, ended)
        try:
            operator.done("setup")
            for _ in range(ACTIONS):
                act(actor)
            settle(actor)
            judge(actor)
        except AssertionError as error:
            print(f"epoch {seed} on {name}:", *actor.told, f"violation: {error}", sep="\n", flush=True)
            return False
        finally:
            processes.end_started()
    print(f"epoch {seed} on {name}: well", flush=True)
    return True


def settle(actor: Actor) -> None:
    """Deploy what can follow whatever ran before, as often as that may take; raises `Violation` where it does not."""
    operator = actor.operator
    operator.sandbox.migration_seconds(0)
    operator.sandbox.publish("slow-migration")
    codes: list[int] = []
    while 0 not in codes:
        if len(codes) == TRIES:
            told = operator(*DEPLOY)
            raise Violation(f"deploy does not converge: {codes}\n{told.stdout}{told.stderr}")
        codes.append(actor.run(*DEPLOY))
    actor.told.append(f"settled by deploys that ended with {codes}")
    if container(operator.host) != f"running {image_id(operator.host)}":
        raise Violation(f"after a deploy that ended well the host has: {container(operator.host) or 'no container'}")
    if actor.run("prune"):
        raise Violation("prune did not end well")


def judge(actor: Actor) -> None:
    """Raise `Violation` for a rule that was broken since the epoch began."""
    found = {
        rule: [sentence for sentence in sentences if ALLOWED not in sentence]
        for rule, sentences in actor.operator.judge.verdict().items()
    }
    broken = [f"{rule}: {sentence}" for rule, sentences in found.items() for sentence in sentences]
    if broken:
        raise Violation("\n".join(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
