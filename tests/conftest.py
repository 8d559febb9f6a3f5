"""Settings of all tests: random examples are the same in every run, may take any time, and control-C works."""

import os
import signal

from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine and nothing about the program.
NO_CLOCK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("same", derandomize=True, database=None, **NO_CLOCK)
settings.register_profile("fresh", derandomize=False, **NO_CLOCK)  # pytest --hypothesis-profile=fresh
settings.load_profile("same")

# No test remembers anything from one start of the program to the next, or reads what a user's own program remembers.
os.environ["GPT_EXPLORER_STATE"] = ""
for name in [name for name in os.environ if name.startswith("GPT_EXPLORER_") and name != "GPT_EXPLORER_STATE"]:
    del os.environ[name]
os.environ["GPT_EXPLORER_CONFIG"] = ""

# Tests run side by side: each uses one core, but for those about using several.
os.environ["GPT_EXPLORER_CORES"] = "1"

# A shell starts what runs in the background with this signal ignored, and so would be every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
