// A running evaluation: how far, how fast, how long, and a way to stop it.

import { useEffect, useState } from "preact/hooks";
import { count, duration } from "./format";
import { Failure } from "./parts";
import type { StatusPage } from "./shapes";
import type { Source } from "./source";

export function Running({ id, source, ended, heard }: { id: string; source: Source; ended(): void; heard(status: string): void }) {
  const [page, setPage] = useState<StatusPage>();
  const [failed, setFailed] = useState<string>();
  const [asking, setAsking] = useState(false);
  const [stopping, setStopping] = useState(false);

  useEffect(() => {
    let here = true, timer = 0, turns = 0, faults = 0, inView = true;
    // A conversation may be scrolled away, and pays for each call.
    const steps = source.kind === "app" ? [3, 5, 10] : [1, 2, 5];
    const watch = new IntersectionObserver(([entry]) => { inView = !!entry?.isIntersecting; });
    watch.observe(document.body);
    const look = async () => {
      let wait = steps[turns < 15 ? 0 : turns < 60 ? 1 : 2]!;
      if (!document.hidden && inView) {
        turns++;
        try {
          const next = await source.status!(id);
          if (!here) return;
          faults = 0;
          setFailed(undefined);
          setPage(next);
          heard(next.answer.status);
          if (next.answer.finished) return ended();
        } catch (error) {
          if (!here) return;
          wait = Math.min(60, 2 ** ++faults);
          setFailed(`${(error as Error).message} Asking again in ${wait} s.`);
        }
      }
      timer = window.setTimeout(look, wait * 1000);
    };
    void look();
    return () => { here = false; clearTimeout(timer); watch.disconnect(); };
  }, [id]);

  const stop = async () => {
    setStopping(true);
    setAsking(false);
    try { await source.stop!(id); } catch (error) { setFailed((error as Error).message); setStopping(false); }
  };

  const answer = page?.answer, progress = answer?.progress, unit = progress?.unit ?? "rows";
  const speed = page?.per_second;
  return (
    <section class="running">
      <div class="now">
        <b class="big">{page?.percent != null ? `${Math.floor(page.percent)}\u00a0%` : "…"}</b>
        <progress max={100} value={page?.percent} aria-label={`${unit} done`} />
      </div>
      <dl class="facts">
        <div><dt>{unit}</dt><dd>{progress ? <>{count(progress.done)}{progress.total != null && <span> of {count(progress.total)}</span>}</> : "–"}</dd></div>
        <div><dt>speed</dt><dd>{speed != null ? <>{speed < 10 ? speed.toFixed(1) : Math.round(speed)}<span> {unit}/s</span></> : "–"}</dd></div>
        <div><dt>since it was created</dt><dd>{answer?.elapsed_seconds != null ? duration(answer.elapsed_seconds) : "–"}</dd></div>
        <div><dt>left, about</dt><dd>{page?.seconds_left != null ? duration(page.seconds_left) : "–"}</dd></div>
      </dl>
      <p class="hidden" role="status">{page?.percent != null && `${Math.floor(page.percent / 10) * 10} % done`}</p>
      {answer?.progress_note && <p class="note">{answer.progress_note}</p>}
      {failed && <Failure text={failed} />}
      {page?.may_stop && (asking ? (
        <p class="ask" role="group" aria-label="Stop this evaluation?">
          Stop for good? What is judged stays. <button type="button" class="danger" onClick={stop} ref={(button) => button?.focus()}>Stop it</button> <button type="button" onClick={() => setAsking(false)}>Go on</button>
        </p>
      ) : (
        <button type="button" disabled={stopping} onClick={() => setAsking(true)}>{stopping ? "Stopping…" : "Stop…"}</button>
      ))}
      {page && !page.may_stop && !answer?.finished && <p class="note">It cannot be stopped from here.</p>}
    </section>
  );
}
