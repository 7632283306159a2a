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

// As `wikirank.search.words` has them: runs of scripts without spaces, or words with their marks.
const UNSPACED =
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}" +
  "\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ーｰ々〆]";
const WORD = new RegExp(`(${UNSPACED}+)|(?:(?!${UNSPACED})[\\p{L}\\p{N}\\p{M}])+`, "gu");

// Where matched words stand in a text, from and to: in a run without spaces, matched pairs.
function* matches(text, matched) {
  for (const { 0: word, 1: run, index } of text.matchAll(WORD)) {
    if (!run) {
      if (matched.has(word)) yield [index, index + word.length];
      continue;
    }
    const letters = [...run];
    for (let at = index, i = 0; i < Math.max(1, letters.length - 1); at += letters[i].length, i += 1) {
      const pair = letters.slice(i, i + 2).join("");
      if (matched.has(pair)) yield [at, at + pair.length];
    }
  }
}

export function appendMarked(parent, text, matched) {
  let end = 0;
  let mark = null;
  for (const [from, to] of matches(text, matched)) {
    if (mark && from <= end) {
      mark.append(text.slice(end, to)); // Pairs overlap: one mark holds neighbours.
    } else {
      mark = element("mark", "", text.slice(from, to));
      parent.append(text.slice(end, from), mark);
    }
    end = to;
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
  if (passage.relevance_score === null) {
    made.title = "No relevance: the cross-encoder did not score it.";
    made.append(element("span", "hidden", "relevance "), element("span", "number", "–"));
    return made;
  }
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
