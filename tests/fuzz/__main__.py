"""Random inputs of every kind, for as long as one likes: python -m tests.fuzz [--seconds N | --cases N] [--seed S]

Whatever comes from outside, nothing may be raised but the errors that are foreseen, nothing may hang, and nothing that
reaches a terminal may command it. What is found is printed with the call that repeats it. The exit status is 1 then.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence

from tests.fuzz.calls import arguments, prompts
from tests.fuzz.campaign import Campaign, Case
from tests.fuzz.models import configurations, tokenizers, weights_files
from tests.fuzz.screen import keys, terminal
from tests.fuzz.sessions import sessions
from tests.fuzz.traces import traces

CAMPAIGNS: dict[str, Case] = {
    "configurations": configurations,
    "weights": weights_files,
    "tokenizers": tokenizers,
    "traces": traces,
    "sessions": sessions,
    "arguments": arguments,
    "prompts": prompts,
    "keys": keys,
    "terminal": terminal,
}
_SHOWN = 5  # findings of a campaign


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaigns side by side; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--seconds", type=float, metavar="N", help="stop after N seconds")
    amount.add_argument("--cases", type=int, metavar="N", help="stop after N cases in all (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="the seed of all of them (default: 0)")
    parser.add_argument("--first", type=int, default=0, metavar="K", help="the number of the first case (default: 0)")
    parser.add_argument("--only", action="append", choices=CAMPAIGNS, help="one campaign; may be given more than once")
    options = parser.parse_args(words)
    campaigns = [Campaign(name, CAMPAIGNS[name]) for name in options.only or CAMPAIGNS]
    with tempfile.TemporaryDirectory(prefix="fuzz-hub-") as hub:  # no model of this machine, and no network
        os.environ |= {"HF_HOME": hub, "HF_HUB_OFFLINE": "1", "GPT_EXPLORER_CONFIG": "", "GPT_EXPLORER_STATE": ""}
        _run(campaigns, options)
    return _report(campaigns)


def _run(campaigns: list[Campaign], options: argparse.Namespace) -> None:
    """Case after case, the campaign that has had the least of what is counted first: each gets the same share."""
    began = time.monotonic()
    limit = None if options.seconds is not None else (1000 if options.cases is None else options.cases)
    while True:
        if limit is None:
            if time.monotonic() - began >= options.seconds:
                return
            least = min(campaigns, key=lambda campaign: campaign.seconds)
        else:
            if sum(campaign.cases for campaign in campaigns) >= limit:
                return
            least = min(campaigns, key=lambda campaign: campaign.cases)
        least.run(options.seed, options.first + least.calls)


def _report(campaigns: list[Campaign]) -> int:
    for campaign in campaigns:
        for finding in campaign.findings[:_SHOWN]:
            print(finding, file=sys.stderr)
    for campaign in campaigns:
        found = f"{len(campaign.findings):>5} findings"
        print(f"{campaign.name:<16} {campaign.cases:>8,} cases {found} {campaign.seconds:>9.1f} s")
    cases = sum(campaign.cases for campaign in campaigns)
    findings = sum(len(campaign.findings) for campaign in campaigns)
    print(f"{'in all':<16} {cases:>8,} cases {findings:>5} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
