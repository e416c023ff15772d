"""Other prompts than a model's card says, applied by role as the card's are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nearfield.errors import UnsupportedOperation
from nearfield.models.around import EncoderAround
from nearfield.models.card import fingerprint
from nearfield.protocols import Encoder, Observer
from nearfield.types import FloatArray, Role

__all__ = ["with_prompts"]


def with_prompts(encoder: Encoder, prompts: Mapping[Role, str]) -> Encoder:
    """Wrap an encoder so that other prompts go before its inputs.

    Parameters
    ----------
    encoder : Encoder
        Its card must leave one role without a prompt: through that one texts go as they are.
    prompts : mapping of Role to str
        A role that is missing gets none.

    Returns
    -------
    Encoder
        With a card and a fingerprint of its own; the encoder itself where nothing differs.

    Raises
    ------
    UnsupportedOperation
        The model puts a prompt before every input.
    """
    own = {role: encoder.card.prompts.get(role, "") for role in Role}
    wanted = {role: prompts.get(role, "") for role in Role}
    if wanted == own:
        return encoder
    bare = next((role for role in (Role.DOCUMENT, Role.QUERY) if not own[role]), None)
    if bare is None:
        raise UnsupportedOperation(
            f"{encoder.card.name} puts a prompt before every input ({own}): its prompts cannot be "
            "replaced"
        )
    return _Prompted(encoder, wanted, bare)


class _Prompted(EncoderAround):
    """An encoder behind other prompts."""

    def __init__(self, inner: Encoder, prompts: Mapping[Role, str], bare: Role) -> None:
        card = inner.card
        parts = {f"prompt.{role.value}": prompts[role] for role in Role}
        own = replace(
            card,
            prompts={role: prompt for role, prompt in prompts.items() if prompt},
            fingerprint=fingerprint({"whole": card.fingerprint, **parts}),
            identity=fingerprint({"whole": card.identity, **parts}) if card.identity else "",
        )
        super().__init__(inner, own)
        self._bare = bare

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        prompt = self.card.prompts.get(Role.of(role), "")
        texts = inputs if not prompt or isinstance(inputs, str) else [prompt + t for t in inputs]
        return self.inner.encode(texts, role=self._bare, observe=observe)
