// The page's state and what changes it: a question, the threshold, the chosen passage.
import { request, search } from "./api.js";
import { card, element } from "./cards.js";
import { listenToKeys } from "./keys.js";
import { drawLinks } from "./links.js";
import { STOPS, nearestStop, place, readable } from "./scale.js";
import { showTimes } from "./times.js";

const at = (id) => document.getElementById(id);
const [query, threshold, before, after, columns] = [
  "query", "threshold", "before", "after", "columns",
].map(at);
const DEFAULT_THRESHOLD = 0.002;
const KINDS = { hybrid: "hybrid", dense: "vectors", lexical: "BM25" };

let indexed = true; // Else a wiki is asked by its own search.
let asked = null; // Aborts the request on its way; only the latest may show its answer.
let answer = null; // The latest answer.
let active = null; // Id of the passage that is focused or pointed at.

function cut() {
  return STOPS[threshold.value];
}

function address() {
  const [from, n] = [at("search-type").value, at("count").value];
  const values = { q: query.value.trim(), t: cut(), from, n };
  if (filter()) Object.assign(values, { key: at("filter-key").value, is: filterValue() });
  return `?${new URLSearchParams(values)}`;
}

function readAddress() {
  const values = new URLSearchParams(location.search);
  query.value = values.get("q") ?? "";
  const given = Number.parseFloat(values.get("t"));
  threshold.value = nearestStop(Number.isNaN(given) ? DEFAULT_THRESHOLD : given);
  choose(at("search-type"), values.get("from"));
  choose(at("count"), values.get("n"));
  const key = values.get("key") ?? "";
  if (key && ![...at("filter-key").options].some((option) => option.value === key)) {
    at("filter-key").append(element("option", "", key)); // Before the index told its keys.
  }
  at("filter-key").value = key;
  at("filter-value").value = values.get("is") ?? "";
  showFilter();
}

function filterValue() {
  return at("filter-value").value.trim();
}

// What is written may be meant as text, as a number, or as true or false.
function filter() {
  const [key, value] = [at("filter-key").value, filterValue()];
  if (!key || !value) return null;
  const forms = [value];
  if (["true", "false"].includes(value)) forms.push(value === "true");
  if (Number.isFinite(Number(value))) forms.push(Number(value));
  return forms.length === 1 ? { [key]: value } : { $or: forms.map((form) => ({ [key]: form })) };
}

function showFilter() {
  at("filter-value").hidden = !at("filter-key").value;
  at("filter").hidden = !indexed || at("filter-key").options.length === 1;
}

function choose(select, value) {
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}

function showState({ busy = false, status = "", error = "" }) {
  document.body.toggleAttribute("data-busy", busy);
  at("answer").setAttribute("aria-busy", busy);
  at("status").textContent = status;
  at("status").classList.toggle("hidden", !busy); // Else it is for screen readers alone.
  at("error").textContent = error;
  at("error").hidden = !error;
  at("empty").hidden = busy || answer !== null || error !== "";
  at("answer").hidden = answer === null || error !== "";
}

async function ask({ remember = true } = {}) {
  const wanted = query.value.trim();
  if (!wanted) {
    asked?.abort();
    showState({ error: "The question is empty. Ask a question or give keywords." });
    return query.focus();
  }
  asked?.abort();
  const controller = new AbortController();
  asked = controller;
  if (remember) history.pushState(null, "", address());
  document.title = `${wanted} – wikirank`;
  showState({ busy: true, status: "Searching…" });
  const count = Number(at("count").value);
  const from = at("search-type").value;
  try {
    const found = await search(
      { query: wanted, k: count, fetch_k: count, search_type: from, filter: filter() },
      controller.signal,
    );
    if (asked === controller) show(found, from);
  } catch (error) {
    if (asked === controller) showState({ error: error.message });
  }
}

function show(found, from) {
  answer = found;
  active = null;
  const matched = new Set(found.matched_words);
  // Every candidate was asked for (k is fetch_k), so the reranked list holds all scores of each.
  const first = found.passages.toSorted((one, other) => one.rank_before - other.rank_before);
  before.replaceChildren(...first.map((passage) => card(passage, "before", matched)));
  after.replaceChildren(...found.passages.map((passage) => card(passage, "after", matched)));
  at("before-kind").textContent = indexed ? KINDS[from] : "the wiki's own search";
  at("origin").textContent = `From ${found.origin}. ${found.note}`;
  showTimes(at("times"), found.timings_ms);
  showState({});
  applyThreshold();
  if (document.activeElement === query) firstShown()?.focus({ preventScroll: true });
}

function firstShown() {
  return [...after.children].find((card) => !card.hidden);
}

function applyThreshold() {
  const least = cut();
  at("threshold-value").textContent = readable(least);
  threshold.setAttribute("aria-valuetext", readable(least));
  columns.style.setProperty("--cut", place(least));
  if (!answer) return;
  const passing = new Set(
    answer.passages
      .filter((one) => one.relevance_score === null || one.relevance_score >= least)
      .map((one) => one.id),
  );
  for (const card of before.children) card.classList.toggle("below", !passing.has(card.dataset.id));
  for (const card of after.children) card.hidden = !passing.has(card.dataset.id);
  tell(passing.size, answer.passages.length);
  makeReachable();
  redraw();
}

function tell(passing, all) {
  const count = `${passing} of ${all} pass`;
  at("passing").textContent = count;
  // Of a question that the models do not read nobody knows whether the wiki answers it.
  const silence = answer.note || "The wiki does not answer.";
  at("status").textContent = passing ? count : silence;
  at("abstained").hidden = passing > 0 || Boolean(answer.note);
  const titles = answer.passages.map((one) => one.title || one.id);
  at("nearest").textContent = [...new Set(titles)].slice(0, 3).join(", ") || "nothing";
  const more = passing > 0 && passing < all;
  at("held-back").textContent = more ? `${all - passing} more are below the threshold.` : "";
}

// Each list is one stop of the Tab key; j, k and the arrows move within it.
function makeReachable() {
  for (const list of [before, after]) {
    const shown = [...list.children].filter((card) => !card.hidden);
    if (shown.length && !shown.some((card) => card.tabIndex === 0)) shown[0].tabIndex = 0;
  }
}

function activate(chosen) {
  active = chosen?.dataset.id ?? null;
  for (const card of columns.querySelectorAll(".card")) {
    card.classList.toggle("active", card.dataset.id === active);
  }
  redraw();
}

function redraw() {
  drawLinks(at("links"), before, after, active);
}

function showList(name) {
  columns.dataset.show = name;
  for (const button of document.querySelectorAll(".switch button")) {
    button.setAttribute("aria-pressed", button.dataset.show === name);
  }
}

async function showInfo() {
  try {
    const info = await request("api/info");
    indexed = info.is_indexed;
    at("search-type").hidden = !indexed;
    at("own-search").hidden = indexed;
    const chosen = at("filter-key").value;
    const keys = info.filter_keys.map((key) => element("option", "", key));
    at("filter-key").replaceChildren(at("filter-key").options[0], ...keys);
    at("filter-key").value = chosen;
    showFilter();
    const number = new Intl.NumberFormat("en");
    const [passages, articles] = [info.passages, info.articles].map(number.format);
    const held = indexed ? `${passages} passages of ${articles} articles` : "by its own search";
    at("index-info").textContent = `${info.name}: ${held}`;
    const vectors = indexed ? `Vectors: ${info.embedder}. ` : "";
    at("index-info").title = `${vectors}Reranked by ${info.cross_encoder}.`;
    at("examples").replaceChildren(...info.example_queries.map(example));
  } catch (error) {
    showState({ error: error.message });
  }
}

function example(text) {
  const button = element("button", "", text);
  button.type = "button";
  button.dir = "auto";
  button.addEventListener("click", () => {
    query.value = text;
    query.focus();
    ask();
  });
  const item = element("li");
  item.append(button);
  return item;
}

function listen() {
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  for (const id of ["search-type", "count"]) {
    at(id).addEventListener("change", () => answer && ask());
  }
  at("filter-key").addEventListener("change", () => {
    showFilter();
    if (answer && (filterValue() || !at("filter-key").value)) ask();
  });
  at("filter-value").addEventListener("change", () => answer && ask());
  threshold.addEventListener("input", applyThreshold);
  threshold.addEventListener("change", () => history.replaceState(null, "", address()));
  columns.addEventListener("focusin", (event) => {
    const chosen = event.target.closest(".card");
    if (!chosen) return;
    for (const card of chosen.parentElement.children) card.tabIndex = card === chosen ? 0 : -1;
    activate(chosen);
  });
  columns.addEventListener("pointerover", (event) => {
    activate(event.target.closest(".card") ?? document.activeElement.closest(".card"));
  });
  at("keys-button").addEventListener("click", () => at("keys").showModal());
  for (const button of document.querySelectorAll(".switch button")) {
    button.addEventListener("click", () => showList(button.dataset.show));
  }
  const resized = new ResizeObserver(redraw);
  for (const list of [columns, before, after]) resized.observe(list);
  addEventListener("popstate", start);
  const showing = () => columns.dataset.show;
  listenToKeys({ query, threshold, before, after, keys: at("keys"), show: showList, showing });
}

function start() {
  readAddress();
  applyThreshold();
  if (query.value) return ask({ remember: false });
  asked?.abort();
  asked = answer = null;
  document.title = "wikirank";
  showState({});
}

threshold.max = STOPS.length - 1;
for (const value of [0, 0.01, 0.1, 0.5, 0.9, 0.99]) {
  const tick = element("span", "", String(value));
  tick.style.setProperty("--at", nearestStop(value) / (STOPS.length - 1));
  at("scale").append(tick);
}
listen();
start();
showInfo();
