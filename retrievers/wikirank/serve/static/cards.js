// Passages as cards. Whatever comes from the wiki is put in as text, never as markup.
import { place, readable } from "./scale.js";

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A wiki may hold any address; only the web's become links.
export function webAddress(url) {
  try {
    const parsed = new URL(url);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

export function appendMarked(parent, text, matched) {
  let end = 0;
  for (const word of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (!matched.has(word[0])) continue;
    parent.append(text.slice(end, word.index), element("mark", "", word[0]));
    end = word.index + word[0].length;
  }
  parent.append(text.slice(end));
}

function title(passage, matched) {
  const heading = [passage.title, passage.section].filter(Boolean).join(" › ") || passage.id;
  const address = webAddress(passage.url);
  const made = element(address ? "a" : "span", "title");
  if (address) {
    made.href = address;
    made.target = "_blank";
    made.rel = "noopener noreferrer";
    made.tabIndex = -1;
  }
  appendMarked(made, heading, matched);
  const head = element("h3");
  head.dir = "auto";
  head.append(made);
  return head;
}

function move(passage) {
  const up = passage.rank_before - passage.rank;
  const kind = up > 0 ? "up" : up < 0 ? "down" : "same";
  const sign = { up: "▲", down: "▼", same: "=" }[kind];
  const made = element("span", `move ${kind}`);
  const seen = element("span", "", up ? `${sign}${Math.abs(up)}` : sign);
  seen.setAttribute("aria-hidden", "true");
  const said = up ? `moved ${kind} ${Math.abs(up)}` : "same place";
  made.append(seen, element("span", "hidden", said));
  return made;
}

function relevance(passage) {
  const made = element("span", "relevance");
  made.title = "Relevance: how probably the passage answers. The bar is in log-odds.";
  const bar = element("span", "bar");
  const fill = element("span", "fill");
  fill.style.setProperty("--at", place(passage.relevance_score));
  bar.append(fill, element("span", "tick"));
  const number = element("span", "number", readable(passage.relevance_score));
  made.append(element("span", "hidden", "relevance "), bar, number);
  return made;
}

const SCORES = [
  ["cosine", "dense_score", 2, "Cosine similarity of the vectors; – if not among the dense hits"],
  ["BM25", "lexical_score", 1, "BM25; – if not among the lexical hits"],
];
const FUSED = ["fused", "fusion_score", 4, "Reciprocal rank fusion of both, which orders this list"];
const LOGIT = ["logit", "rerank_logit", 1, "The cross-encoder's raw score"];

function scores(passage, column) {
  const list = element("dl", "scores");
  for (const [name, field, digits, meaning] of [...SCORES, column === "before" ? FUSED : LOGIT]) {
    if (field === "fusion_score" && passage[field] === null) continue;
    const pair = element("div");
    pair.title = meaning;
    const value = passage[field] === null ? "–" : passage[field].toFixed(digits);
    pair.append(element("dt", "", name), element("dd", "", value.replace("-", "−")));
    list.append(pair);
  }
  return list;
}

// One card of the column "before" or "after".
export function card(passage, column, matched) {
  const made = element("li", "card");
  made.dataset.id = passage.id;
  made.tabIndex = -1;
  const place = element("div", "place");
  const rank = column === "before" ? passage.rank_before : passage.rank;
  place.append(element("span", "rank", String(rank)), move(passage));
  const text = element("p", "text");
  text.dir = "auto";
  appendMarked(text, passage.text, matched);
  const head = element("div", "head");
  head.append(title(passage, matched), relevance(passage));
  const body = element("div", "body");
  body.append(head, text, scores(passage, column));
  made.append(place, body);
  return made;
}
