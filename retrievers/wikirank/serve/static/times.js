// The time of each stage, as a bar and as text.
import { element } from "./cards.js";

const NAMES = {
  embed: "embed",
  dense: "vectors",
  lexical: "BM25",
  fuse: "fuse",
  rerank: "rerank",
};

function milliseconds(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function showTimes(parent, timings) {
  const bar = element("div", "time-bar");
  bar.setAttribute("aria-hidden", "true");
  const legend = element("dl", "time-legend");
  for (const [stage, value] of Object.entries(timings)) {
    if (stage === "total") continue;
    const part = element("span", `stage ${stage}`);
    part.style.setProperty("flex-grow", value);
    bar.append(part);
    const entry = element("div");
    entry.append(
      element("dt", `stage-name ${stage}`, NAMES[stage] ?? stage),
      element("dd", "", milliseconds(value)),
    );
    legend.append(entry);
  }
  const total = element("p", "total", "Answered in ");
  total.append(element("strong", "", milliseconds(timings.total)));
  parent.replaceChildren(total, bar, legend);
}
