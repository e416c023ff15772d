"""From a name to a hosted encoder."""

from __future__ import annotations

import json
from dataclasses import replace

from nearfield.errors import InputError, UnsupportedModel
from nearfield.models.card import fingerprint
from nearfield.models.paid import PROBE
from nearfield.models.precision import Precision
from nearfield.models.remote.connecting import connect, server
from nearfield.models.remote.encoder import RemoteEncoder
from nearfield.models.remote.hosted_models import (
    COMPATIBLE_LIMITS,
    LIMITS,
    RERANKERS,
    HostedModel,
    find,
)
from nearfield.models.remote.http import HttpClient, Timeouts
from nearfield.models.remote.naming import RemoteName, parse
from nearfield.models.remote.prices import price_of
from nearfield.models.remote.providers import embedding_api
from nearfield.models.remote.requests import Requests
from nearfield.models.remote.spending import Account, account
from nearfield.types import ModelCard, Role

__all__ = ["load"]


def load(
    name: str,
    *,
    dimensions: int | None = None,
    payer: Account | None = None,
    client: HttpClient | None = None,
) -> RemoteEncoder:
    """Open a hosted encoder.

    A model that is known by name needs no request for it. Of any other the dimension is found by
    encoding the probe text, and its longest text is what the server refuses or the name states.

    Parameters
    ----------
    name : str
        See :mod:`nearfield.models.remote.naming`.
    dimensions : int, optional
        Asked of the server where it offers that length, else cut here, at unit length again.
    payer : Account, optional
        What the tokens are charged to; the process's account by default.
    client : HttpClient, optional
        Instead of the process's client of that server.

    Returns
    -------
    RemoteEncoder

    Raises
    ------
    InputError
        The name is none, or the dimensions are more than the model has.
    KeyMissing
        The environment holds no key for the provider.
    MissingExtra
        The HTTP library is not installed.
    RemoteError
        The model had to be asked for its dimension, and that failed.
    """
    asked = parse(name)
    if asked.model in RERANKERS.get(asked.provider, ()):
        raise UnsupportedModel(
            f"{asked.short} makes no vectors of texts; it is a reranker: load it by "
            "nearfield.models.rerank.load"
        )
    wanted = _wanted(asked, dimensions)
    api = embedding_api(asked.provider)
    place = server(asked, api.key_variables)
    endpoint = api.endpoint(place.secret, place.url)
    known = find(asked.provider, asked.model)
    limits = LIMITS[asked.provider]
    if known is not None and known.limits is not None:
        limits = known.limits
    requests = Requests(
        api=api,
        client=client or connect(endpoint, Timeouts()),
        account=payer or account(),
        price=price_of(replace(asked, url=place.url)),
        model=asked.model,
        dimensions=None,
        cuts_here=False,
        limits=COMPATIBLE_LIMITS if asked.provider == "openai" and place.url else limits,
        max_tokens=asked.max_tokens or (known.max_tokens if known else None),
        official=place.official,
    )
    probed = None
    if known is None:
        probed = requests.buy([PROBE], Role.DOCUMENT, risky=False).rows[0]
        known = HostedModel(asked.provider, asked.model, len(probed))
    model = known
    requests = _shortened(requests, model, wanted)
    dimension = wanted or model.dimension
    card = _card(asked, model, dimension, requests, endpoint.base_url)
    return RemoteEncoder(card, requests, f"{card.fingerprint} {endpoint.base_url}", probed)


def _wanted(asked: RemoteName, dimensions: int | None) -> int | None:
    if dimensions is not None and (isinstance(dimensions, bool) or dimensions < 1):
        raise InputError(f"dimensions is {dimensions!r}: expected 1 or more")
    if None not in (dimensions, asked.dimensions) and dimensions != asked.dimensions:
        raise InputError(
            f"{asked.short} asks for {asked.dimensions} dimensions, the argument for {dimensions}"
        )
    return dimensions if dimensions is not None else asked.dimensions


def _shortened(requests: Requests, model: HostedModel, wanted: int | None) -> Requests:
    if wanted is None or wanted == model.dimension:
        return requests
    if model.gives(wanted):
        return replace(requests, dimensions=wanted)
    if wanted > model.dimension:
        raise InputError(
            f"{model.full_name} has {model.dimension} dimensions, so {wanted} are too many"
        )
    return replace(requests, cuts_here=True)


def _card(
    asked: RemoteName, model: HostedModel, dimension: int, requests: Requests, base_url: str
) -> ModelCard:
    return ModelCard(
        name=_full_name(asked, dimension if dimension != model.dimension else None),
        dimension=dimension,
        max_tokens=requests.max_tokens,
        fingerprint=_fingerprint(asked, model, dimension, requests),
        normalised=True,
        prompts=dict(model.prompts),
        precision=str(Precision.HOSTED),
        runtime="hosted",
        source=base_url,
    )


def _fingerprint(asked: RemoteName, model: HostedModel, dimension: int, requests: Requests) -> str:
    """Identity by name. Weights cannot be hashed; the probe's vector is kept beside it."""
    roles = {
        role.value: [requests.variant(role), model.prompts.get(role, "")] for role in sorted(Role)
    }
    return fingerprint(
        {
            "hosted": asked.provider,
            "model": asked.model,
            "server": "provider" if requests.official else "compatible",
            "dimension": dimension,
            "roles": json.dumps(roles, sort_keys=True),
            "longest": requests.max_tokens or 0,
            "normalised": True,
        }
    )


def _full_name(asked: RemoteName, dimensions: int | None) -> str:
    """The name by which the very same encoder is loaded again."""
    stated = {"max_tokens": asked.max_tokens, "price": asked.price}
    settings = [f"{name}={value:g}" for name, value in stated.items() if value is not None]
    return (
        asked.short
        + (f"@{dimensions}" if dimensions else "")
        + (f"@{asked.url}" if asked.url else "")
        + (f"#{','.join(settings)}" if settings else "")
    )
