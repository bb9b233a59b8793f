"""The live ledger's heads outside its file: on the second path, and with the witnesses.

Not for what an answer proves (`witnessing.py`). One rule: neither a full second path nor an absent
gateway holds anything up; what people should know of them, `faults` says.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from cabinet import provision
from cabinet.anchors import Doubt, RolledBack
from cabinet.configuration import Configuration
from cabinet.gateway_messages import Ask
from cabinet.gateway_socket import GatewaySaid, GatewaySocket
from cabinet.state import State
from cabinet.witnessing import ProvenRollback, Witnessing
from ledger.note import Signer
from ledger.store import Head, Store

ANCHOR = "anchor"
WITNESS = "witness "
AGAIN_S = 30.0  # until the second path is tried again
_log = logging.getLogger(__name__)


class Outside:
    """What keeps one open ledger's heads where its file's holder is not."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        store: Store,
        state: State,
        signer: Signer,
        now_s: float,
    ) -> None:
        """Compares the ledger with its anchors first: raises RolledBack."""
        self._configuration, self._folder = configuration, folder
        self._anchors = provision.anchors(configuration, folder)
        provision.check_anchors(self._anchors, store, state, signer)
        self._witnessing = Witnessing(
            store, configuration.witness, provision.head_keys(state, signer), state.accepted, now_s
        )
        self._gateway: GatewaySocket | None = None
        self._head: Head | None = None  # not yet on the second path
        self._again_s = 0.0
        self._fault = ""

    def listen(self, post: Callable[[GatewaySaid], None]) -> None:
        """Let the gateway connect, where there are witnesses."""
        if self._configuration.witness:
            path = self._folder / self._configuration.paths.gateway
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._gateway = GatewaySocket(path, post)

    def close(self) -> None:
        """Let the gateway go."""
        if self._gateway is not None:
            self._gateway.close()

    def keep(self, head: Head) -> None:
        """A new head is on disk; it goes onto the second path at the next turn."""
        self._head, self._again_s = head, 0.0

    def write(self) -> None:
        """The newest head onto the second path, if it is not there."""
        head, self._head = self._head, None
        if head is None:
            return
        try:
            self._anchors.keep(head.note)
        except OSError as error:
            _log.error("no second place for the ledger's head: %s", error)
            self._fault = error.strerror or "it cannot be written"
            self._head = head
        else:
            self._fault = ""

    def turn(self, now_s: float) -> None:
        """One thing that is due and may take a disk's time, while nobody has a drawer open.

        The newest head onto the second path; or a cosignature kept, a commit of its own; or asked
        for.
        """
        if self._head is not None and now_s >= self._again_s:
            self.write()
            if self._fault:
                self._again_s = now_s + AGAIN_S
        elif not self._witnessing.keep_one() and self._gateway is not None:
            self._ask(self._witnessing.next(now_s), now_s)

    def faults(self, now_s: float) -> dict[str, str]:
        """Device -> what is wrong with it now, "" if nothing."""
        troubles = self._witnessing.troubles(now_s)
        return {ANCHOR: self._fault} | {f"{WITNESS}{name}": why for name, why in troubles.items()}

    def take(self, said: GatewaySaid, now_s: float) -> None:
        """What a witness answered; raises RolledBack if it proves one, kept for the next start."""
        try:
            self._ask(self._witnessing.take(said.message, now_s), now_s)
        except ProvenRollback as proven:
            self._anchors.keep_witnessed(proven.note)
            raise RolledBack((Doubt(self._anchors.witnessed, str(proven)),)) from None

    def _ask(self, ask: Ask | None, now_s: float) -> None:
        if ask is not None and (self._gateway is None or not self._gateway.ask(ask)):
            self._witnessing.not_sent(ask, now_s)
