"""Templates that would take all time or memory of a machine."""

from __future__ import annotations


def repeated(step: str, first: str, then: str) -> str:
    """A template that applies a step to `ns.x` 99 times and then looks at the outcome."""
    turn = f"{{% set ns.x = {step} %}}"
    loop = f"{{% for i in range(99) %}}{turn}{{% endfor %}}"
    return f"{{% set ns = namespace(x={first}) %}}{loop}{{{{ {then} }}}}"


BOMBS = [
    "{{ 'a' * 10 ** 9 }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ 10 ** 9999999 }}",
    repeated("ns.x * ns.x", "9", "ns.x > 1"),
    "{{ 'a'|center(10 ** 9) }}",
    "{{ 'a'.zfill(10 ** 9) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 1000000000) }}",
    "{{ '{:{}}'.format(1, '1000000000') }}",
    "{{ big.replace('a', big) }}",
    "{{ big|replace('a', big) }}",
    "{{ big.join(big) }}",
    "{{ [1]|batch(10 ** 9, 0)|list }}",
    repeated("ns.x + ns.x", "'aa'", "ns.x|length"),
    repeated("ns.x ~ ns.x", "'aa'", "ns.x|length"),
    repeated("[ns.x, ns.x]", "1", "ns.x"),
    repeated("{'a': ns.x, 'b': ns.x}", "1", "ns.x"),
    repeated("[ns.x, ns.x]", "1", "ns.x|tojson|length"),
    repeated("[ns.x, ns.x]", "1", "'%s'|format(ns.x)|length"),
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(99) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for i in range(9999) %}{{ big }}{% endfor %}",
    "{{ '1'|int(0, 32) % 7 }}{% for i in range(10 ** 6) %}{{ i }}{% endfor %}",
    "{% if 0 %}{{ 7 ** (7 ** (7 ** 7)) }}{% endif %}{{ 10 ** 10 ** 10 }}",
    "{{ '%(b)1000000000d' % {'b': 1} }}",
    "{{ '{0[}]:1000000000}'.format({'}]': 1}) }}",
    "{{ big|replace(new=big, old='a') }}",
    "{{ 5|round(-10 ** 9) }}",
    "{% for i in range(99999) %}{% for j in big %}{% set x = 'z' in big %}{% endfor %}{% endfor %}",
]
