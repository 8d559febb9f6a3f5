"""The modules that a piece of code loads."""

import subprocess
import sys


def modules_after(code: str) -> set[str]:
    """The modules that Python has loaded after running some code."""
    whole = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())
