from explorer.api.asked import copy_score as copy_score
from explorer.api.asked import neurons as neurons
from explorer.api.metrics import kl as kl
from explorer.api.metrics import logit as logit
from explorer.api.metrics import logit_difference as logit_difference
from explorer.api.metrics import probability as probability
from explorer.api.model import Model as Model
from explorer.api.model import load as load
from explorer.api.places import (
    activation as activation,
)
from explorer.api.places import (
    block as block,
)
from explorer.api.places import (
    edge as edge,
)
from explorer.api.places import (
    head as head,
)
from explorer.api.places import (
    mlp as mlp,
)
from explorer.api.places import (
    neuron as neuron,
)
from explorer.api.results import Numbers as Numbers
from explorer.api.results import Table as Table
from explorer.api.run import Answer as Answer
from explorer.api.run import Run as Run
from explorer.api.steering import load_steering as load_steering
from explorer.api.steering import save_steering as save_steering
from explorer.api.steering import steering as steering
from explorer.edits.path_patching import Receiver as Receiver
from explorer.edits.path_patching import receiver as receiver
from explorer.edits.steering import Steering as Steering
from gpt.errors import GPTError as GPTError

__version__: str

def foreign_gpt() -> str | None: ...
