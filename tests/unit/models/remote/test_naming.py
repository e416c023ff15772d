from __future__ import annotations

import pytest

from nearfield.errors import InputError
from nearfield.models.remote.connecting import require_trust
from nearfield.models.remote.naming import RemoteName, is_loopback, is_remote, parse


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai:m", RemoteName("openai", "m")),
        ("openai:org/m@256", RemoteName("openai", "org/m", 256)),
        ("openai:m:tag@http://h:1/v1/", RemoteName("openai", "m:tag", None, "http://h:1/v1")),
        ("openai:m@8@https://h/v1", RemoteName("openai", "m", 8, "https://h/v1")),
        (
            "openai:m@http://h/v1#max_tokens=512,price=0.5",
            RemoteName("openai", "m", None, "http://h/v1", 512, 0.5),
        ),
        ("cohere:embed-v4.0", RemoteName("cohere", "embed-v4.0")),
    ],
)
def test_names_are_taken_apart(name: str, expected: RemoteName) -> None:
    assert is_remote(name)
    assert parse(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "openai:",
        "openai:m m",
        "nobody:m",
        "openai:m@http://",
        "openai:m@http://user:secret@h/v1",
        "openai:m@http://h/v1?key=secret",
        "openai:m#max_tokens=0",
        "openai:m#colour=red",
        "openai:m#price=-1",
        "cohere:m@http://h/v1",
    ],
)
def test_other_names_are_refused_without_a_secret(name: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(name)
    assert "secret" not in str(caught.value)


def test_loopback_is_told_from_names_that_look_like_it() -> None:
    local = ["http://localhost:1/v1", "http://127.9.9.9", "http://[::1]:80/v1"]
    other = ["http://127.0.0.1.nip.io", "http://localhost.example", "http://1270.0.1", "http://x"]
    assert all(map(is_loopback, local))
    assert not any(map(is_loopback, other))


def test_a_collection_alone_cannot_choose_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    require_trust("openai:text-embedding-3-small")
    require_trust("openai:m@http://127.0.0.1:1/v1")
    with pytest.raises(InputError, match=r"at gpu\.example.*NEARFIELD_TRUSTED_HOSTS"):
        require_trust("openai:m@https://gpu.example/v1")
    monkeypatch.setenv("NEARFIELD_TRUSTED_HOSTS", "a.example, GPU.example")
    require_trust("openai:m@https://gpu.example/v1")
