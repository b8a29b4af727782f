"""`qstash keys`: the signing keys of the account."""

from __future__ import annotations

from typing import Any, cast

from qstash_cli.client import keys
from qstash_cli.commands._options import Confirm
from qstash_cli.commands._signature import command, group
from qstash_cli.commands._views import KEYS
from qstash_cli.invocation import Invocation
from qstash_cli.output.result import Result

app = group("The signing keys of the account")


@command(app)
def get(inv: Invocation) -> Result:
    """Print the signing keys, in clear.

    \b
    qstash keys get --query current
    qstash keys get -o json
    """
    return Result(data=cast("Any", inv.send(keys.get())), view=KEYS)


@command(app, view=KEYS)
def rotate(inv: Invocation, *, confirm: Confirm) -> Result:
    """Make the next key the current one, and a new key the next one.

    Endpoints that know both keys go on working through one rotation, not through two.

    \b
    qstash keys rotate --yes
    qstash keys rotate --dry-run
    """
    inv.confirm("Rotate the signing keys?", yes=confirm.yes)
    return Result(data=cast("Any", inv.send(keys.rotate())), view=KEYS)
