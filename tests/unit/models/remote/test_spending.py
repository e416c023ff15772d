from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.errors import InputError, SpendingCapReached
from nearfield.models.remote.prices import Price, forecast, price_of, table_date
from nearfield.models.remote.spending import Account, account, cap
from nearfield.types import Usage

_DOLLAR = Price(input=1_000_000.0)  # a dollar a token


def test_costs_are_what_prices_and_counts_say() -> None:
    payer = Account()
    charge = payer.charge(Price(input=2.0, output=8.0), 1000, 500, "m")
    charge.begin()
    usage = charge.settle(Usage(400, 100))
    assert usage.cost == pytest.approx(400 * 2e-6 + 100 * 8e-6)
    spent = payer.spent
    assert (spent.requests, spent.input_tokens, spent.output_tokens) == (1, 400, 100)
    assert spent.cost == usage.cost


def test_the_cap_counts_what_is_under_way_and_uses_what_is_left() -> None:
    payer = Account(10.0)
    first = payer.charge(_DOLLAR, 6, 0, "m")
    first.begin()
    order: list[str] = []

    def second() -> None:
        charge = payer.charge(_DOLLAR, 6, 0, "m")
        charge.begin()  # 6 + 6 > 10: waits for the first
        order.append("second began")
        charge.settle(Usage(6))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.05)
    assert order == []
    first.settle(Usage(4))  # less than was set aside
    thread.join(5)
    assert order == ["second began"]
    assert payer.spent.cost == 10.0
    with pytest.raises(SpendingCapReached, match=r"up to \$1\.00; \$10\.00 of the cap of \$10\.00"):
        payer.charge(_DOLLAR, 1, 0, "m").begin()


def test_a_request_without_an_answer_stays_set_aside() -> None:
    payer = Account(10.0)
    charge = payer.charge(_DOLLAR, 6, 0, "m")
    charge.begin()
    charge.lose()
    assert payer.spent.uncertain == 6.0
    with pytest.raises(SpendingCapReached):
        charge.begin()
    assert "up to $6.00 more" in str(payer.spent)


def test_a_refused_request_costs_nothing() -> None:
    payer = Account(6.0)
    charge = payer.charge(_DOLLAR, 6, 0, "m")
    for _ in range(5):
        charge.begin()
        charge.release()
    assert payer.spent.cost == 0.0


def test_unknown_prices_are_said_and_no_cap_covers_them() -> None:
    payer = Account()
    charge = payer.charge(None, 6, 0, "m")
    charge.begin()
    assert charge.settle(Usage(6)).cost is None
    assert payer.spent.unpriced_tokens == 6
    assert str(payer.spent) == "1 requests · 6 tokens · price not known"
    payer.max_cost = 1.0
    with pytest.raises(SpendingCapReached, match=r"price of m is not known.*#price="):
        payer.charge(None, 6, 0, "m").begin()


@given(
    st.floats(0, 50),
    st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1), st.sampled_from("slr")), max_size=30),
)
def test_no_sequence_passes_the_cap(most: float, events: list[tuple[int, float, str]]) -> None:
    payer = Account(most)
    for tokens, share, end in events:
        charge = payer.charge(_DOLLAR, tokens, 0, "m")
        try:
            charge.begin()
        except SpendingCapReached:
            continue
        {
            "s": lambda c=charge, n=int(tokens * share): c.settle(Usage(n)),
            "l": charge.lose,
            "r": charge.release,
        }[end]()
        assert payer.spent.cost + payer.spent.uncertain <= most + 1e-9


def test_the_environment_sets_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_MAX_COST", "2.5")
    assert account().max_cost == 2.5
    assert cap(None) is account()
    assert account().max_cost is None
    with pytest.raises(InputError):
        cap(-1.0)
    with pytest.raises(InputError):
        cap(float("nan"))


def test_an_unreadable_cap_is_no_licence_to_spend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_MAX_COST", "two")
    with pytest.raises(InputError, match="'two'"):
        account()


def test_the_table_of_prices_states_its_date_and_sources() -> None:
    price = price_of("openai:text-embedding-3-large@256")
    assert price is not None
    assert (price.input, price.output) == (0.13, 0.0)
    assert price.source.startswith("https://")
    assert price.date == table_date()
    assert price_of("cohere:rerank-v3.5") == Price(
        request=0.002, source="https://cohere.com/pricing", date=table_date()
    )
    assert price_of("openai:no-such-model") is None
    assert price_of("jina:jina-embeddings-v3") is None  # not published by the token


def test_every_price_is_a_sane_number() -> None:
    from nearfield.models.remote.prices import _table

    table = _table()
    for provider in ("openai", "cohere", "voyage", "jina", "mistral", "gemini", "anthropic"):
        models = table[provider]
        assert isinstance(models, dict)
        for name in models:
            price = price_of(f"{provider}:{name}")
            assert price is not None
            values = (price.input, price.output, price.request)
            assert all(0 <= value <= 100 for value in values)
            assert any(values)
            assert price.source


def test_a_forecast_adds_up() -> None:
    one = forecast("openai:text-embedding-3-small", ["warm parka"])
    two = one + forecast("openai:text-embedding-3-small", ["cold", ""])
    assert (two.texts, two.tokens) == (3, 3)
    assert two.most_tokens == len("warm parka") + len("cold") + 2 * 32
    assert two.cost is not None and two.most_cost is not None
    assert two.cost == pytest.approx(3 * 0.02 / 1e6)
    assert two.cost < two.most_cost
    assert forecast("openai:unheard-of", ["x"]).cost is None
