"""What must be true of labelling in a browser. A check's name is a sentence about it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from tests.journeys import labelled
from tests.page.browser.conversation import Conversation, conversation
from tests.page.browser.looking import WAIT, Looked, looking
from tests.page.browser.world import World, viewer
from tests.page.examples import judged, upload
from tests.page.judge import LENIENT

LABELS = 60

FRAMES = ("write", "srcdoc")
"""Frames with an origin, which have a memory, and without."""

SHOWN = {"position", "row", "texts", "cut"}
"""What a row has that is shown for a label."""

Check = Callable[[World], Awaitable[None]]


async def _label_as(page: Any, name: str) -> None:
    """Give a name under which nobody has labelled, and wait until its rows are shown."""
    async with page.expect_response(lambda each: f'"{name}"' in (each.request.post_data or "")):
        await page.get_by_label("You label as").fill(name)
        await page.get_by_label("You label as").press("Enter")
    await page.wait_for_selector(".labelling[aria-busy=false]")
    await page.wait_for_selector("text=0 of ")


def _at(address: str, evaluation_id: str) -> str:
    base, token = address.split("#")
    return f"{base}?evaluation={evaluation_id}&label=random#{token}"


async def rows_are_labelled_by_one_key_each_and_no_verdict_is_in_view(world: World) -> None:
    evaluation_id, bodies = world.home.ids["v1"], list[str]()
    with viewer(world) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            page = looked.page
            await page.wait_for_selector(".label-row", timeout=WAIT)

            async def read(response: Any) -> None:
                if response.url.endswith("/call"):
                    bodies.append(await response.text())

            page.on("response", read)
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                for width in (400, 800):
                    await page.set_viewport_size({"width": width, "height": 900})
                    assert (wrong := await looked.axe()) == [], (scheme, width, wrong)
                    assert await looked.overflow() <= 0
            html = await page.content()
            for count, key in enumerate(["1", "2", "s", "1"] * 5, 1):
                row = await page.locator(".label-row h2").inner_text()
                await page.keyboard.press(key)
                await page.wait_for_function(
                    "row => document.querySelector('.label-row h2')?.textContent !== row", arg=row
                )
                html += await page.content()
                labelled = count - count // 4 - (count % 4 == 3)
                await page.wait_for_selector(f"text={labelled} of ")
            await page.keyboard.press("b")
            await page.wait_for_selector("text=again")
            await page.keyboard.press("2")
            await page.wait_for_selector("text=15 of ")
            assert looked.logged == []
    assert "judge-row" not in html
    for body in bodies:
        answer: dict[str, Any] = json.loads(body)
        for row in answer["rows"]:
            assert row.keys() <= SHOWN
            assert all(text.keys() == {"name", "role", "text"} for text in row["texts"])
    assert bodies


async def a_second_person_labels_the_same_rows_under_another_name(world: World) -> None:
    with viewer(world) as (address, _):
        async with looking(world, _at(address, world.home.ids["v2"])) as looked:
            page = looked.page
            await page.wait_for_selector(".label-row", timeout=WAIT)
            # Labels of the name that the page begins with can be about the same answers.
            await _label_as(page, "Ada")
            first = await page.locator(".label-row h2").inner_text()
            await page.keyboard.press("1")
            await page.wait_for_selector("text=1 of ")
            await _label_as(page, "Ben")
            assert await page.locator(".label-row h2").inner_text() == first
            await page.keyboard.press("2")
            await page.wait_for_selector("text=1 rows have labels of two labellers.")


async def a_name_that_is_being_typed_outlives_the_answer_to_a_label(world: World) -> None:
    with viewer(world) as (address, _):
        async with looking(world, _at(address, world.home.ids["v1"])) as looked:
            page, typed = looked.page, anyio.Event()
            await page.wait_for_selector(".label-row", timeout=WAIT)

            async def hold(route: Any) -> None:
                await typed.wait()
                await route.continue_()

            await page.route("**/call", hold)
            row = await page.locator(".label-row h2").inner_text()
            await page.keyboard.press("1")
            await page.get_by_label("You label as").fill("Dora")
            typed.set()
            await page.wait_for_function(
                "row => document.querySelector('.label-row h2')?.textContent !== row", arg=row
            )
            assert await page.get_by_label("You label as").input_value() == "Dora"


async def two_answers_are_labelled_without_their_names(world: World) -> None:
    with viewer(world) as (address, _):
        async with looking(world, _at(address, world.home.ids["compare"])) as looked:
            page = looked.page
            await page.wait_for_selector(".label-row", timeout=WAIT)
            headings = await page.locator(".label-row h3").all_inner_texts()
            assert [each.lower() for each in headings] == ["first answer", "second answer"]
            await page.keyboard.press("3")
            await page.wait_for_selector("text=1 of ")


async def rows_are_labelled_by_buttons_and_keys_in_a_conversation(world: World) -> None:
    for number, frame in enumerate(FRAMES):
        evaluation = {"evaluation_id": world.home.ids["v1"]}
        async with conversation(world) as talk:
            await talk.show("get_evaluation", evaluation, frame=frame, theme="light")
            await talk.frame.get_by_role("button", name="Label rows").click()
            row = talk.frame.locator(".label-row h2")
            await row.wait_for(timeout=WAIT)
            await talk.frame.get_by_label("You label as").fill(f"Dora {number}")
            await talk.frame.get_by_label("You label as").press("Enter")
            await talk.see("0 of ")
            for count, press in enumerate(("button", "key", "skip", "button"), 1):
                before = await row.inner_text()
                await _label(talk, press)
                await talk.frame.wait_for_function(
                    "row => document.querySelector('.label-row h2')?.textContent !== row",
                    arg=before,
                )
                await talk.see(f"{count - (count > 2)} of ")
            assert await Looked(talk.frame).axe() == []
            assert await Looked(talk.frame).overflow() <= 0
            await _closes(talk.frame)
            await talk.frame.get_by_role("button", name="← The results").click()
            await talk.frame.get_by_role("button", name="Label rows").wait_for(timeout=WAIT)
            marked = [answer for name, answer in talk.answers if name == "mark_row"]
            pages = [answer["structuredContent"]["data"] for answer in marked]
            assert len(pages) >= 6
            assert all(row.keys() <= SHOWN for page in pages for row in page["rows"])
            told = json.dumps(await talk.messages("ui/update-model-context"))
            assert "was labelling rows of" in told
            assert "Dora" not in told, "what people say reaches no model"


async def _label(talk: Conversation, press: str) -> None:
    keys = talk.frame.locator(".label-keys button")
    if press == "key":
        await talk.page.keyboard.press("1")
    else:
        await (keys.filter(has_text="skip") if press == "skip" else keys.first).click()


async def _closes(page: Any) -> None:
    """Close the sample by its button, and go on labelling."""
    await page.get_by_role("button", name="Close the sample").click()
    await page.get_by_text("The sample is closed, and every verdict is shown.").wait_for()
    await page.get_by_role("button", name="Label on").click()
    await page.locator(".label-row").wait_for()


async def a_conversation_that_passes_no_ticket_on_offers_no_labels(world: World) -> None:
    async with conversation(world) as talk:
        talk.without_meta = True
        await talk.show("get_evaluation", {"evaluation_id": world.home.ids["v1"]})
        await talk.frame.get_by_role("button", name="Show rows").click()
        await talk.see("cannot pass marks and labels on")
        assert await talk.frame.get_by_role("button", name="Label rows").count() == 0


async def the_close_button_of_the_viewer_shows_the_rows_again(world: World) -> None:
    evaluation_id = world.home.ids["v1"]
    with viewer(world) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            page = looked.page
            row = page.locator(".label-row h2")
            await row.wait_for(timeout=WAIT)
            hidden = await _notes(world, evaluation_id)
            await _closes(page)
            assert await _notes(world, evaluation_id) == []
            before = await row.inner_text()
            await page.keyboard.press("1")
            await page.wait_for_function(
                "row => document.querySelector('.label-row h2')?.textContent !== row", arg=before
            )
            opened_again = await _notes(world, evaluation_id)
            await _closes(page)
            assert looked.logged == []
    assert "open label sample" in hidden[0]
    assert "open label sample" in opened_again[0]


async def _notes(world: World, evaluation_id: str) -> list[str]:
    answer = await world.server.answer(
        "read_results", evaluation_id=evaluation_id, show="all", limit=1
    )
    return answer["notes"]


async def sixty_rows_take_sixty_keys_and_bring_the_corrected_figure(world: World) -> None:
    evaluation_id = world.home.ids["small"]
    with viewer(world) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            page, keys = looked.page, 0
            await page.wait_for_selector(".label-row", timeout=WAIT)
            await _label_as(page, "Cleo")
            while keys < LABELS and await page.locator(".label-row").count():
                row = await page.locator(".label-row h2").inner_text()
                await page.keyboard.press("1" if keys % 4 else "2")
                keys += 1
                await page.wait_for_function(
                    "row => document.querySelector('.label-row h2')?.textContent !== row", arg=row
                )
            assert keys == LABELS, "the evaluation has too few rows"
            await page.wait_for_selector(f"text={LABELS} of ")
            await page.get_by_role("button", name="← The results").click()
            await page.locator(f"text={LABELS} labels").first.wait_for(timeout=WAIT)


async def sixty_keys_correct_the_rate_of_300_rows_of_a_lenient_judge(world: World) -> None:
    evaluation_id, numbers, keys = await _judged_leniently(world), list[int](), 0
    with viewer(world) as (address, _):
        async with looking(world, _at(address, evaluation_id)) as looked:
            page = looked.page
            await page.wait_for_selector(".label-row", timeout=WAIT)
            while len(numbers) < labelled.LABELS:
                row = await page.locator(".label-row h2").inner_text()
                numbers.append(labelled.number_in(await page.locator(".label-row").inner_text()))
                await page.keyboard.press(labelled.key_for(numbers[-1]))
                keys += 1
                await page.wait_for_function(
                    "row => document.querySelector('.label-row h2')?.textContent !== row", arg=row
                )
            await page.wait_for_selector(f"text={labelled.LABELS} of {labelled.ROWS}")
            await page.get_by_role("button", name="← The results").click()
            answer = await world.server.answer("get_evaluation", evaluation_id=evaluation_id)
            value, low, high = labelled.check_corrected(answer, numbers)
            panel = page.get_by_role("group", name="Corrected pass rate")
            await panel.wait_for(timeout=WAIT)
            shown = await panel.inner_text()
            assert f"{value:.1f}" in shown, shown
            assert f"{low:.1f}" in shown, shown
            assert f"{high:.1f}" in shown, shown
            # The page shows a headline in two parts.
            assert answer["summary"]["headline"].partition(" (")[0] in await looked.text()
    assert keys == labelled.LABELS, "a key a mark"


async def _judged_leniently(world: World) -> str:
    """Judge 300 rows by the lenient judge, and return the id of the evaluation."""
    rows = [
        {name: text for name, text in row.items() if name != "expected"} for row in labelled.rows()
    ]
    judge = {"model": LENIENT, "model_source": "serverless", "system_template": "Is it right?"}
    return await judged(
        world.server,
        type="classify",
        **labelled.PASSES,
        response_column="answer",
        judge=judge,
        input_data_file_path=await upload(world.server, world.home.folder, rows, "lenient"),
    )


CHECKS: Sequence[Check] = (
    rows_are_labelled_by_one_key_each_and_no_verdict_is_in_view,
    a_second_person_labels_the_same_rows_under_another_name,
    a_name_that_is_being_typed_outlives_the_answer_to_a_label,
    two_answers_are_labelled_without_their_names,
    the_close_button_of_the_viewer_shows_the_rows_again,
    rows_are_labelled_by_buttons_and_keys_in_a_conversation,
    a_conversation_that_passes_no_ticket_on_offers_no_labels,
    # Last, because its labels are about the answers of other evaluations, too.
    sixty_rows_take_sixty_keys_and_bring_the_corrected_figure,
    sixty_keys_correct_the_rate_of_300_rows_of_a_lenient_judge,
)
