"""What hosted models cost, counted as it happens, and a cap that is never passed.

Before a request is sent, the most that it can cost is set aside; when its answer comes, what the
server counted takes its place. A request whose outcome nobody knows (no answer came) stays set
aside: the provider may have charged for it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace

from nearfield.errors import InputError, SpendingCapReached
from nearfield.models.remote.prices import Price
from nearfield.types import Usage

__all__ = ["MAX_COST_VARIABLE", "Account", "Charge", "Spent", "account", "cap", "money"]

MAX_COST_VARIABLE = "NEARFIELD_MAX_COST"
"""Environment variable with the most US dollars that a process may spend."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process, or a part of it, bought.

    Attributes
    ----------
    requests : int
        Answers that came.
    input_tokens, output_tokens : int
        As the servers counted them.
    estimated_tokens : int
        How many of the input tokens no server counted, so that they are an estimate.
    cost : float
        US dollars of everything with a known price.
    uncertain : float
        Most US dollars that requests without an answer may have cost; not in `cost`.
    unpriced_tokens : int
        Tokens whose price is not known.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated_tokens: int = 0
    cost: float = 0.0
    uncertain: float = 0.0
    unpriced_tokens: int = 0

    def __sub__(self, before: Spent) -> Spent:
        return Spent(
            self.requests - before.requests,
            self.input_tokens - before.input_tokens,
            self.output_tokens - before.output_tokens,
            self.estimated_tokens - before.estimated_tokens,
            self.cost - before.cost,
            self.uncertain - before.uncertain,
            self.unpriced_tokens - before.unpriced_tokens,
        )

    def __str__(self) -> str:
        """One line for a person."""
        tokens = self.input_tokens + self.output_tokens
        about = "about " if self.estimated_tokens else ""
        priced = tokens - self.unpriced_tokens
        parts = [f"{self.requests:,} requests", f"{about}{tokens:,} tokens"]
        if priced or not tokens:
            parts.append(money(self.cost))
        if self.unpriced_tokens:
            parts.append(
                "price not known" if not priced else f"{self.unpriced_tokens:,} without a price"
            )
        if self.uncertain:
            parts.append(f"up to {money(self.uncertain)} more for requests without an answer")
        return " · ".join(parts)


class Account:
    """Counts and limits what is spent; safe to use from several threads.

    Parameters
    ----------
    max_cost : float, optional
        Most US dollars; None for no cap.
    """

    def __init__(self, max_cost: float | None = None) -> None:
        self._spent = Spent()
        self._reserved = 0.0
        self._changed = threading.Condition()
        self.max_cost = max_cost

    @property
    def max_cost(self) -> float | None:
        """Most US dollars that may be spent in all."""
        return self._max_cost

    @max_cost.setter
    def max_cost(self, value: float | None) -> None:
        if value is not None and not 0 <= value < float("inf"):
            raise InputError(f"the spending cap is {value}: expected US dollars, 0 or more")
        self._max_cost = value

    @property
    def spent(self) -> Spent:
        """Everything so far."""
        with self._changed:
            return self._spent

    def charge(self, price: Price | None, most_input: int, most_output: int, what: str) -> Charge:
        """Prepare a request that takes at most so many tokens; nothing is set aside yet."""
        return Charge(self, price, most_input, most_output, what)

    def _reserve(self, amount: float | None, what: str) -> None:
        if amount is None and self._max_cost is not None:
            raise SpendingCapReached(
                f"the price of {what} is not known, so the cap of {money(self._max_cost)} cannot "
                "be kept: add #price=DOLLARS for a million tokens to its name (#price=0 for a "
                "server of your own), or lift the cap"
            )
        most = amount or 0.0
        with self._changed:
            while self._would_pass(most) and self._reserved:
                self._changed.wait()  # what is under way will cost less than was set aside for it
            if self._would_pass(most):
                taken = money(self._spent.cost + self._spent.uncertain)
                raise SpendingCapReached(
                    f"the next request to {what} may cost up to {money(most)}; {taken} of the cap "
                    f"of {money(self._max_cost or 0.0)} is spent. What was bought "
                    "is kept: raise --max-cost or NEARFIELD_MAX_COST to go on"
                )
            self._reserved += most

    def _would_pass(self, amount: float) -> bool:
        taken = self._spent.cost + self._spent.uncertain + self._reserved
        return self._max_cost is not None and taken + amount > self._max_cost

    def _settle(self, reserved: float, more: Spent) -> None:
        with self._changed:
            self._reserved -= reserved
            if self._reserved < 1e-12:  # what rounding leaves of sums and differences
                self._reserved = 0.0
            now = self._spent
            self._spent = replace(
                now,
                requests=now.requests + more.requests,
                input_tokens=now.input_tokens + more.input_tokens,
                output_tokens=now.output_tokens + more.output_tokens,
                estimated_tokens=now.estimated_tokens + more.estimated_tokens,
                cost=now.cost + more.cost,
                uncertain=now.uncertain + more.uncertain,
                unpriced_tokens=now.unpriced_tokens + more.unpriced_tokens,
            )
            self._changed.notify_all()


class Charge:
    """One request's part of an account; :meth:`begin` before each time that it is sent."""

    __slots__ = ("_account", "_amount", "_held", "_price", "_what")

    def __init__(
        self, account: Account, price: Price | None, most_input: int, most_output: int, what: str
    ) -> None:
        self._account = account
        self._price = price
        self._what = what
        self._amount = None if price is None else price.cost(most_input, most_output)
        self._held = False

    def begin(self) -> None:
        """Set the most aside that sending may cost; waits for requests under way if need be.

        Raises
        ------
        SpendingCapReached
            It could pass the cap. Nothing was set aside.
        """
        self._account._reserve(self._amount, self._what)
        self._held = True

    def release(self) -> None:
        """The request cost nothing."""
        self._give_back(Spent())

    def lose(self) -> None:
        """The request was sent, and nobody knows what became of it."""
        self._give_back(Spent(uncertain=self._amount or 0.0))

    def settle(self, usage: Usage, *, counted: bool = True) -> Usage:
        """The answer came. Returns the usage with its cost.

        Parameters
        ----------
        usage : Usage
            Tokens.
        counted : bool
            Whether the server counted them.
        """
        tokens = usage.input_tokens + usage.output_tokens
        cost = None
        if self._price is not None:
            cost = self._price.cost(usage.input_tokens, usage.output_tokens)
        self._give_back(
            Spent(
                requests=1,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                estimated_tokens=0 if counted else tokens,
                cost=cost or 0.0,
                unpriced_tokens=tokens if cost is None else 0,
            )
        )
        return replace(usage, cost=cost)

    def _give_back(self, spent: Spent) -> None:
        self._account._settle((self._amount or 0.0) if self._held else 0.0, spent)
        self._held = False


_PROCESS: list[Account] = []


def account() -> Account:
    """The account of this process, with the cap of ``NEARFIELD_MAX_COST`` from the start."""
    if not _PROCESS:
        _PROCESS.append(Account(_from_environment()))
    return _PROCESS[0]


def cap(max_cost: float | None) -> Account:
    """Set the cap of this process's account, in US dollars; None lifts it.

    Raises
    ------
    InputError
        It is negative or not a number.
    """
    found = account()
    found.max_cost = max_cost
    return found


def _from_environment() -> float | None:
    text = os.environ.get(MAX_COST_VARIABLE, "").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{MAX_COST_VARIABLE} is {text!r}: expected US dollars") from None


def money(amount: float) -> str:
    """Dollars with as many places as matter.

    Examples
    --------
    >>> money(2.5), money(0.0123), money(0.00000123), money(0)
    ('$2.50', '$0.0123', '$0.0000012', '$0.00')
    """
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}"
    if amount >= 0.001:
        return f"${amount:.4f}"
    return f"${amount:.7f}"
