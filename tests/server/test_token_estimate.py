# ruff: noqa: RUF001 - the texts are in other scripts

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.token_estimate import estimate_tokens
from tests.clocks import bounded_work
from tests.server.tokens import tokens

TEXTS = {
    "English": (
        "The ferry leaves at a quarter past seven, so we agreed to meet on the pier while it was "
        "still dark. Nobody had thought of breakfast except Martha, who carried a basket of warm "
        "rolls under her coat and refused to say where she had bought them. By the time the island "
        "came into view the wind had turned, and the captain decided to wait outside the harbour "
        "until the swell would let him in. Most passengers complained; I was glad of the delay."
    ),
    "German": (
        "Die Fähre fährt um Viertel nach sieben, deshalb haben wir uns noch vor Sonnenaufgang am "
        "Anleger verabredet. An das Frühstück hatte außer Martha niemand gedacht; sie trug einen "
        "Korb mit warmen Brötchen unter dem Mantel und wollte nicht verraten, woher sie ihn hatte. "
        "Als die Insel in Sicht kam, hatte der Wind gedreht, und der Kapitän beschloss, vor der "
        "Hafeneinfahrt zu warten, bis die Dünung nachließ. Die meisten Fahrgäste beschwerten sich."
    ),
    "Russian": (
        "Паром отходит в четверть восьмого, поэтому мы договорились встретиться на причале ещё до "
        "рассвета. О завтраке не подумал никто, кроме Марты: она принесла под пальто корзину "
        "тёплых булочек и не захотела говорить, где их купила. Когда показался остров, ветер уже "
        "переменился, и капитан решил подождать у входа в гавань, пока волна не станет меньше. "
        "Большинство пассажиров жаловались, а я была рада этой задержке."
    ),
    "Chinese": (
        "渡轮七点一刻开船，所以我们约好天亮之前在码头见面。除了玛莎，谁也没有想到早饭；"
        "她把一篮热面包藏在大衣下面，却不肯说是在哪里买的。等我们看到小岛的时候，风向已经变了，"
        "船长决定先在港口外面等一等，直到浪小一些再进港。大多数乘客都在抱怨，我却很高兴有这段时间。"
    ),
    "Japanese": (
        "フェリーは七時十五分に出るので、私たちはまだ暗いうちに桟橋で会う約束をした。朝ごはんのことを"
        "考えていたのはマルタだけで、温かいパンの入ったかごをコートの下に抱えていたが、どこで買ったのかは"
        "教えてくれなかった。島が見えてきたころには風向きが変わっていて、船長は波が静まるまで港の外で"
        "待つことにした。ほとんどの乗客は文句を言ったが、私はその遅れがうれしかった。"
    ),
    "Hindi": (
        "नाव सवा सात बजे निकलती है, इसलिए हमने अंधेरा रहते ही घाट पर मिलने का फैसला किया। नाश्ते के बारे में "
        "मार्था के अलावा किसी ने नहीं सोचा था; वह अपने कोट के नीचे गरम रोटियों की एक टोकरी लेकर आई थी और यह "
        "बताने को तैयार नहीं थी कि उसने उन्हें कहाँ से खरीदा। जब द्वीप दिखाई दिया तब तक हवा बदल चुकी थी और "
        "कप्तान ने लहरें शांत होने तक बंदरगाह के बाहर रुकने का निर्णय लिया। ज्यादातर यात्री शिकायत करते रहे।"
    ),
    "code": '''
def merge_intervals(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join intervals that overlap or touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


class RateLimiter:
    def __init__(self, per_second: float, clock=time.monotonic) -> None:
        self._interval = 1.0 / per_second
        self._next_allowed = clock()

    async def wait(self) -> None:
        delay = self._next_allowed - self._clock()
        if delay > 0:
            await asyncio.sleep(delay)
''',
    "JSON": (
        '{"order_id": 48213, "customer": {"name": "Ana Lopes", "tier": "gold", "since": '
        '"2019-04-02"}, "items": [{"sku": "LAMP-7", "quantity": 2, "unit_price": 39.9, "tags": '
        '["indoor", "warm"]}, {"sku": "BULB-E27", "quantity": 6, "unit_price": 4.25, "tags": []}], '
        '"shipping": {"method": "express", "paid": true, "tracking": null}, "total": 105.3, '
        '"currency": "EUR", "note": "Please ring twice; the bell is quiet."}'
    ),
    "emoji": (
        "Great trip today! 🚀🌍 We saw dolphins 🐬🐬 and ate too much 🍕😂. The kids loved it ❤️👍 "
        "but the rain 🌧️ came early 😭. Tomorrow: museum 🏛️, coffee ☕ and a long nap 😴. "
        "Thanks everyone 🙏🎉✨ see you next year 👋😊"
    ),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_ordinary_text_is_estimated_within_a_tenth_of_o200k(kind: str) -> None:
    text = TEXTS[kind]

    assert estimate_tokens(text) == pytest.approx(tokens(text), rel=0.1)


def test_an_empty_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0


@given(st.text(max_size=300))
def test_any_text_has_at_most_a_few_tokens_a_character(text: str) -> None:
    found = estimate_tokens(text)

    assert 0 <= found <= 3 * len(text)
    assert bool(found) == bool(text)


@given(st.text(max_size=100), st.text(max_size=100))
def test_more_lines_of_text_never_cost_much_less(first: str, second: str) -> None:
    assert estimate_tokens(f"{first}\n{second}") >= 0.5 * estimate_tokens(first) - 1


@pytest.mark.parametrize(
    "piece", ["a", "=", " ", "\n", "é", "漢", "aB1", "{}", "'s", "🚀", "\u0300"]
)
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    with bounded_work():
        estimate_tokens(piece * 200_000)
