"""What a template may use, and what each use costs.

A rendering has a budget of steps, one for about a microsecond of work: a loop turn, a call, a
filter, a thousand characters or ten parts of a value that is looked at. Anything that looks at a
value pays for its size first, so that a row of any size takes no more time than the budget, and
nothing here depends on a clock: a row that renders once renders always.

The filters and methods that exist are listed with their price instead of those that are too dear,
since a list of the dear ones is never complete. What is missing (`urlize`, `wordwrap`, `pprint`,
`xmlattr`, encodings to bytes, methods of numbers) has no use in a prompt.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import wraps
from itertools import chain
from types import (
    BuiltinMethodType,
    ClassMethodDescriptorType,
    MappingProxyType,
    MethodDescriptorType,
)
from typing import Any, cast

from jinja2 import StrictUndefined, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

MAX_OUTPUT = 1024 * 1024
"""The longest rendered prompt, in characters; so is any value that is printed into it."""

MAX_STEPS = 100_000
"""The work of one rendering; enough for every real prompt."""

MAX_DEPTH = 200
"""How deep lists and mappings in a value that is looked at may be nested."""

_CHARACTERS_PER_STEP = 1000
_PARTS_PER_STEP = 10
_MAX_INTEGER_BITS = 4096


class CostFilter:
    """Filters that only charge; no template can spell their names."""

    TURNS = "charge turns"
    """One step for each item that is taken."""
    SIZE = "charge size"
    """The size of a value."""
    CONTAINER = "charge container"
    """The size of what is searched; a mapping is not searched but looked up."""
    STEPS = "charge steps"
    """A number of steps."""


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _priced(*prices: tuple[int, str]) -> Mapping[str, int]:
    return MappingProxyType({name: price for price, names in prices for name in names.split()})


GLANCES = _names("abs attr count d default filesizeformat first last length random")
"""Filters that do not look at the whole value."""

FILTERS = _priced(
    (_CHARACTERS_PER_STEP, " ".join(GLANCES)),
    (_CHARACTERS_PER_STEP, "capitalize center e escape float forceescape format int lower"),
    (_CHARACTERS_PER_STEP, "replace reverse round safe string trim truncate upper"),
    (10, "batch dictsort groupby indent items join list map max min reject rejectattr select"),
    (10, "selectattr slice sort sum title tojson unique urlencode wordcount"),
    (1, "striptags"),
)
"""Every filter, with how many characters of a text it gets through in one step."""

TEXT_METHODS = _priced(
    (_CHARACTERS_PER_STEP, "capitalize casefold center count endswith expandtabs find index"),
    (_CHARACTERS_PER_STEP, "isalnum isalpha isascii isdecimal isdigit isidentifier islower"),
    (_CHARACTERS_PER_STEP, "isnumeric isprintable isspace istitle isupper ljust lower lstrip"),
    (_CHARACTERS_PER_STEP, "partition removeprefix removesuffix replace rfind rindex rjust"),
    (_CHARACTERS_PER_STEP, "rpartition rstrip startswith strip swapcase title upper zfill"),
    (10, "format format_map join rsplit split splitlines"),
)
"""Every method of a text, priced as filters are."""

_LOOK_UPS = frozenset({"get", "items", "keys", "values"})
_METHODS: Mapping[type, frozenset[str]] = MappingProxyType(
    {
        str: frozenset(TEXT_METHODS),
        dict: _LOOK_UPS | {"copy"},
        list: frozenset({"copy", "count", "index"}),
        tuple: frozenset({"count", "index"}),
    }
)
_GLANCING_TESTS = _names(
    "boolean callable defined escaped false filter float integer iterable mapping none number "
    "sameas sequence string test true undefined"
)
_REPEATING = frozenset({"batch", "round", "slice"})
"""The number that they are given is how much they do."""
_WIDENING = _names("center expandtabs format indent join ljust rjust tojson zfill")
"""Their product may be as long as the value times what they are given, be it text or number."""
_PAIRING = _names("lstrip rfind rindex rpartition rsplit rstrip strip")
"""They may compare every character of the text with every one of the text they are given."""
_EMPTY: dict[str, object] = {}
_VIEWS = (type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items()))
_NESTED = cast(
    "tuple[type[Collection[Any]], ...]", (list, dict, tuple, range, set, frozenset, *_VIEWS)
)
_SCALARS = frozenset({int, float, bool, type(None)})
_BUILTIN = BuiltinMethodType | MethodDescriptorType | ClassMethodDescriptorType
_WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*(?:\d{5}|\*)|\{[^{}]*(?:\d{5}|\{)")
_ESCAPES = re.compile(r"%%|\{\{|\}\}")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, with the bounds that it leaves to its users."""

    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(self) -> None:
        self.steps_left = MAX_STEPS
        super().__init__(undefined=StrictUndefined, autoescape=False, finalize=self._printed)
        self.filters = {name: self._bounded(name, self.filters[name]) for name in FILTERS}
        self.filters[CostFilter.TURNS] = self._turns
        self.filters[CostFilter.SIZE] = self._sized
        self.filters[CostFilter.CONTAINER] = self._container
        self.filters[CostFilter.STEPS] = self._steps()
        self.tests = {
            name: run if name in _GLANCING_TESTS else self._bounded(name, run)
            for name, run in self.tests.items()
        }
        self.functions = {**self.globals, "range": self._range}
        """What a template may call by name; a column of the same name goes before."""
        del self.functions["lipsum"]
        # A template's globals are given to it alone, so that a column may have the same name.
        self.globals.clear()

    def start_anew(self) -> None:
        """Give the next rendering its budget."""
        self.steps_left = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Count work to be done; raises SecurityError when a rendering would do too much."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise SecurityError(
                f"takes more than {MAX_STEPS:,} steps (loop turns, calls, filters, "
                "and the length of the values that they work on)"
            )

    def measure(self, value: Any, rate: int = _CHARACTERS_PER_STEP) -> int:
        """Charge for looking at a value; its size is its characters and its parts at any depth."""
        if isinstance(value, str):
            self.spend(len(value) // rate)
            return len(value)
        if type(value) in _SCALARS:
            return 1
        level: list[Any] = [value]
        size = 1
        for _ in range(MAX_DEPTH):
            nested: list[Collection[Any]] = [part for part in level if isinstance(part, _NESTED)]
            characters = sum(len(part) for part in level if isinstance(part, str))
            parts = sum(map(len, nested))
            # Paid before the next level is made: its parts may be many times those of this one.
            self.spend(parts // _PARTS_PER_STEP + characters // _CHARACTERS_PER_STEP)
            size += parts + characters
            if not parts:
                return size
            level = [inner for part in nested for inner in _inner(part)]
        raise SecurityError(f"handles a value nested more than {MAX_DEPTH} deep")

    def concat(self, pieces: Iterable[str]) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Put together what a macro, a block or a `set` block printed."""
        parts = list(pieces)
        self._fits(sum(map(len, parts)))
        return "".join(parts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an intercepted operator once its operands and its result are paid for."""
        if isinstance(left, int | float) and isinstance(right, int | float):
            _check_bits(operator, left, right)
        elif operator == "%" and isinstance(left, str):
            self._charge_product("format", left, () if isinstance(right, int) else (right,))
        else:
            size = self.measure(left) * self.measure(right)
            if operator == "*":
                times = max(left if isinstance(left, int) else right, 1)
                text = isinstance(left, str) or isinstance(right, str)
                self.spend(size * times // (_CHARACTERS_PER_STEP if text else _PARTS_PER_STEP))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function, a macro or a listed method, charged by what it is given."""
        self.spend(1)
        given = (*args, *kwargs.values())
        subject = getattr(function, "__self__", None)
        if isinstance(function, _BUILTIN) or isinstance(subject, str):
            self._charge_method(function.__name__, subject, given)
        elif isinstance(function, LoopContext):
            args = tuple(self._turns(items) for items in args)
        else:
            self.measure(given)
        return super().call(context, function, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The safe form of `str.format`, charged before it is run."""
        made = super().wrap_str_format(value)
        if made is None:
            return None

        def charged(*args: Any, **kwargs: Any) -> str:
            self._charge_method("format", value.__self__, (*args, *kwargs.values()))
            return made(*args, **kwargs)

        return charged

    def _charge_method(self, name: str, subject: Any, given: tuple[Any, ...]) -> None:
        kind = next((kind for kind in _METHODS if isinstance(subject, kind)), None)
        if kind is None or name not in _METHODS[kind]:
            known = sorted(_METHODS[kind]) if kind else []
            listed = f"; there are: {', '.join(known)}" if known else ""
            raise SecurityError(f"calls a method that is not available, {name}{listed}")
        if kind is dict and name in _LOOK_UPS:
            subject = None
        if kind is str:
            self.measure(subject, TEXT_METHODS[name])
        self._charge_product(name, subject, given)

    def _charge_product(self, name: str, subject: Any, given: tuple[Any, ...]) -> None:
        """Charge for a value, for what is given with it, and for what they make together."""
        size = max(self.measure(subject), 1)
        self.spend(len(given) // _PARTS_PER_STEP)
        sizes = [self.measure(value) for value in given]
        numbers = [abs(value) for value in given if isinstance(value, int)]
        if name in _REPEATING:
            self.spend(max(numbers, default=0) // _PARTS_PER_STEP)
        elif name in _WIDENING:
            if name == "format":
                self._check_format(str(subject))
            self.spend(size * max(sizes + numbers, default=1) // _CHARACTERS_PER_STEP)
        elif name in _PAIRING:
            self.spend(size * max(sizes, default=1) // _CHARACTERS_PER_STEP)
        elif name == "replace" and len(given) >= 2:
            times = subject.count(str(given[0])) if isinstance(subject, str) else size
            self.spend(times * sizes[1] // _CHARACTERS_PER_STEP)
        elif name == "sum" and any(isinstance(value, _NESTED) for value in given):
            raise SecurityError("sums lists; only numbers can be summed")

    def _check_format(self, text: str) -> None:
        self.measure(text, 10)
        if _WIDE_FORMAT.search(_ESCAPES.sub("", text)):
            raise SecurityError("formats to a width that is not allowed")

    def _bounded(self, name: str, run: Callable[..., Any]) -> Callable[..., Any]:
        rate = FILTERS.get(name, _CHARACTERS_PER_STEP)
        glances = name in GLANCES

        @wraps(run)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            self.spend(1)
            if not glances:
                subject, *given = args[1:] if hasattr(run, "jinja_pass_arg") else args
                self.measure(subject, rate)
                if given or kwargs:
                    self._charge_product(name, subject, (*given, *kwargs.values()))
            made = run(*args, **kwargs)
            if isinstance(made, Iterator):
                # As a list its size can be told, and its work is done where it is charged.
                return list(self._turns(cast("Iterator[Any]", made)))
            return made

        return bounded

    def _turns(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(1)
            yield item

    def _sized(self, value: Any) -> Any:
        self.measure(value)
        return value

    def _container(self, value: Any) -> Any:
        return cast("Any", value) if isinstance(value, dict) else self._sized(value)

    def _steps(self) -> Callable[[Context, int], None]:
        @pass_context  # what takes the context is not computed while compiling
        def steps(_: Context, number: int) -> None:
            self.spend(number)

        return steps

    def _range(self, *bounds: int) -> range:
        numbers = safe_range(*bounds)
        self.spend(len(numbers))
        return numbers

    def _printed(self, value: Any) -> Any:
        self._fits(len(value) if isinstance(value, str) else self.measure(value))
        return value

    def _fits(self, size: int) -> None:
        if size > MAX_OUTPUT:
            raise SecurityError(f"prints more than {MAX_OUTPUT:,} characters at once")
        self.spend(size // _CHARACTERS_PER_STEP)


def _inner(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return chain.from_iterable(cast("dict[Any, Any]", part).items())
    return cast("Iterable[Any]", part)


def _check_bits(operator: str, left: float, right: float) -> None:
    if not (isinstance(left, int) and isinstance(right, int)):
        return
    bits = {
        "*": left.bit_length() + right.bit_length(),
        "**": left.bit_length() * abs(right),
    }
    if bits.get(operator, 0) > _MAX_INTEGER_BITS:
        raise SecurityError("computes a number that is too large")
