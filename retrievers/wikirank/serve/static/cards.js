// Passages as cards. Content of the wiki is inserted as text, never as markup.
import { place, readable } from "./scale.js";

export function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// A wiki may contain any address; only http and https become links.
export function webAddress(url) {
  try {
    const parsed = new URL(url);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

// The same as `wikirank.search.words`: runs in scripts without spaces, or words with their marks.
const UNSPACED =
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}" +
  "\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ーｰ々〆]";
const WORD = new RegExp(`(${UNSPACED}+)|(?:(?!${UNSPACED})[\\p{L}\\p{N}\\p{M}])+`, "gu");

// Start and end of each matched word in a text, or of each matched pair in a run without spaces.
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
      mark.append(text.slice(end, to)); // Pairs overlap, so neighbours share one mark.
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
  const node = element(address ? "a" : "span", "title");
  if (address) {
    node.href = address;
    node.target = "_blank";
    node.rel = "noopener noreferrer";
    node.tabIndex = -1;
  }
  appendMarked(node, heading, matched);
  const head = element("h3");
  head.dir = "auto";
  head.append(node);
  return head;
}

function move(passage) {
  const up = passage.rank_before - passage.rank;
  const kind = up > 0 ? "up" : up < 0 ? "down" : "same";
  const sign = { up: "▲", down: "▼", same: "=" }[kind];
  const node = element("span", `move ${kind}`);
  const seen = element("span", "", up ? `${sign}${Math.abs(up)}` : sign);
  seen.setAttribute("aria-hidden", "true");
  const said = up ? `moved ${kind} ${Math.abs(up)}` : "same place";
  node.append(seen, element("span", "hidden", said));
  return node;
}

function relevance(passage) {
  const node = element("span", "relevance");
  if (passage.relevance_score === null) {
    node.title = "No relevance: the cross-encoder did not score it.";
    node.append(element("span", "hidden", "relevance "), element("span", "number", "–"));
    return node;
  }
  node.title = "Relevance: probability that the passage answers. The bar shows its log-odds.";
  const bar = element("span", "bar");
  const fill = element("span", "fill");
  fill.style.setProperty("--at", place(passage.relevance_score));
  bar.append(fill, element("span", "tick"));
  const number = element("span", "number", readable(passage.relevance_score));
  node.append(element("span", "hidden", "relevance "), bar, number);
  return node;
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

// A card for the column "before" or "after".
export function card(passage, column, matched) {
  const node = element("li", "card");
  node.dataset.id = passage.id;
  node.tabIndex = -1;
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
  node.append(place, body);
  return node;
}
