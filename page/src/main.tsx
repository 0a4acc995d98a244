// One page for everything that a person looks at: a report, the viewer of this machine, or a card in
// a conversation.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { showApp } from "./app/app";
import { Comparison } from "./comparison";
import { Evaluation, EvaluationById } from "./evaluation";
import { Labelling } from "./labels";
import { List } from "./list";
import { Failure, Waiting } from "./parts";
import type { ComparisonPage, Report } from "./shapes";
import { ReportSource, ViewerSource, type Source } from "./source";

/** What is shown: its place in the address, so that the browser's Back works. */
interface Place { evaluation?: string; a?: string; b?: string; label?: string }

function placeNow(): Place {
  const asked = new URLSearchParams(location.search);
  return { evaluation: asked.get("evaluation") ?? undefined, a: asked.get("a") ?? undefined, b: asked.get("b") ?? undefined, label: asked.get("label") ?? undefined };
}

function Viewer({ source }: { source: Source }) {
  const [place, setPlace] = useState(placeNow());
  useEffect(() => {
    const back = () => setPlace(placeNow());
    window.addEventListener("popstate", back);
    return () => window.removeEventListener("popstate", back);
  }, []);
  const go = (next: Place) => {
    const asked = new URLSearchParams(Object.entries(next)).toString();
    history.pushState(null, "", asked ? `?${asked}` : location.pathname);
    setPlace(next);
    window.scrollTo(0, 0);
  };
  const { evaluation, a, b, label } = place;
  return (
    <>
      {label && evaluation && <nav><button type="button" class="back" onClick={() => go({ evaluation })}>← The results</button></nav>}
      {((evaluation && !label) || a) && <nav><button type="button" class="back" onClick={() => go({})}>← All evaluations</button></nav>}
      {a && b ? <ComparisonByIds a={a} b={b} source={source} key={`${a} ${b}`} />
        : evaluation && label ? <Labelling id={evaluation} source={source} plan={label === "balanced" ? "balanced" : "random"} key={label} />
        : evaluation ? <EvaluationById id={evaluation} source={source} label={(plan) => go({ evaluation, label: plan })} key={evaluation} />
        : <List source={source} open={(id) => go({ evaluation: id })} compare={(one, other) => go({ a: one, b: other })} />}
    </>
  );
}

function ComparisonByIds({ a, b, source }: { a: string; b: string; source: Source }) {
  const [page, setPage] = useState<ComparisonPage>();
  const [by, setBy] = useState<string>();
  const [failed, setFailed] = useState<string>();
  useEffect(() => {
    let here = true;
    setFailed(undefined);
    source.comparison(a, b, by).then((next) => here && setPage(next), (error) => here && setFailed((error as Error).message));
    return () => { here = false; };
  }, [by]);
  if (failed && !page) return <Failure text={failed} />;
  if (!page) return <Waiting text="Comparing…" />;
  return <>{failed && <Failure text={failed} />}<Comparison page={page} source={source} by={by} setBy={setBy} /></>;
}

function ReportView({ report }: { report: Report }) {
  const source = new ReportSource(report);
  const held = report.rows?.rows.length ?? report.flips?.pairs.length ?? 0;
  const about = (
    <div class="about">
      {held > 0 && <p>This file holds {held} rows with their texts: keep it as you keep the data.</p>}
      {report.left_out.map((each) => <p key={each}>{each}</p>)}
    </div>
  );
  return (
    <>
      {report.comparison ? <Comparison page={report.comparison} source={source} setBy={() => {}}>{about}</Comparison>
        : report.evaluation ? <Evaluation page={report.evaluation} source={source}>{about}</Evaluation>
        : <Failure text="This report holds nothing." />}
      <footer>Made {report.made_at} by evals-mcp {report.version}.</footer>
    </>
  );
}

const TOKEN = "evals-mcp token";

/** The token comes in the fragment, which no log has; it leaves the address for this tab's memory. */
function tokenOfTab(): string | null {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN);
}

function shown() {
  const block = document.getElementById("data");
  if (block) return <ReportView report={JSON.parse(block.textContent!) as Report} />;
  const token = location.protocol === "file:" ? null : tokenOfTab();
  if (token) return <Viewer source={new ViewerSource(token)} />;
  return <Failure text="This page has no data. Open the whole address that `evals-mcp view` printed." />;
}

const root = document.getElementById("page")!;
// A page with its data is a report, also in a frame; a frame without data is in a conversation.
if (window.parent !== window && !document.getElementById("data")) showApp(root);
else render(shown(), root);
