// The state of the page, and the events that change it.
import { request, search } from "./api.js";
import { card, element } from "./cards.js";
import { listenToKeys } from "./keys.js";
import { drawLinks } from "./links.js";
import { STOPS, nearestStop, place, readable } from "./scale.js";
import { showTimes } from "./times.js";

const byId = (id) => document.getElementById(id);
const [query, threshold, before, after, columns] = [
  "query", "threshold", "before", "after", "columns",
].map(byId);
const DEFAULT_THRESHOLD = 0.002;
const KINDS = { hybrid: "hybrid", dense: "vectors", lexical: "BM25" };

let indexed = true; // If false, searches use the wiki's own search.
let pending = null; // AbortController of the latest request; only its response is shown.
let answer = null; // The latest response.
let active = null; // Id of the passage that is focused or under the pointer.

function cut() {
  return STOPS[threshold.value];
}

function address() {
  const [from, n] = [byId("search-type").value, byId("count").value];
  const values = { q: query.value.trim(), t: cut(), from, n };
  if (filter()) Object.assign(values, { key: byId("filter-key").value, is: filterValue() });
  return `?${new URLSearchParams(values)}`;
}

function readAddress() {
  const values = new URLSearchParams(location.search);
  query.value = values.get("q") ?? "";
  const value = Number.parseFloat(values.get("t"));
  threshold.value = nearestStop(Number.isNaN(value) ? DEFAULT_THRESHOLD : value);
  choose(byId("search-type"), values.get("from"));
  choose(byId("count"), values.get("n"));
  const key = values.get("key") ?? "";
  if (key && ![...byId("filter-key").options].some((option) => option.value === key)) {
    byId("filter-key").append(element("option", "", key)); // The index's keys are not loaded yet.
  }
  byId("filter-key").value = key;
  byId("filter-value").value = values.get("is") ?? "";
  showFilter();
}

function filterValue() {
  return byId("filter-value").value.trim();
}

// The value may be meant as text, as a number, or as true or false.
function filter() {
  const [key, value] = [byId("filter-key").value, filterValue()];
  if (!key || !value) return null;
  const forms = [value];
  if (["true", "false"].includes(value)) forms.push(value === "true");
  if (Number.isFinite(Number(value))) forms.push(Number(value));
  return forms.length === 1 ? { [key]: value } : { $or: forms.map((form) => ({ [key]: form })) };
}

function showFilter() {
  byId("filter-value").hidden = !byId("filter-key").value;
  byId("filter").hidden = !indexed || byId("filter-key").options.length === 1;
}

function choose(select, value) {
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}

function showState({ busy = false, status = "", error = "" }) {
  document.body.toggleAttribute("data-busy", busy);
  byId("answer").setAttribute("aria-busy", busy);
  byId("status").textContent = status;
  byId("status").classList.toggle("hidden", !busy); // Otherwise only for screen readers.
  byId("error").textContent = error;
  byId("error").hidden = !error;
  byId("empty").hidden = busy || answer !== null || error !== "";
  byId("answer").hidden = answer === null || error !== "";
}

async function ask({ remember = true } = {}) {
  const wanted = query.value.trim();
  if (!wanted) {
    pending?.abort();
    showState({ error: "The question is empty. Ask a question or give keywords." });
    return query.focus();
  }
  pending?.abort();
  const controller = new AbortController();
  pending = controller;
  if (remember) history.pushState(null, "", address());
  document.title = `${wanted} – wikirank`;
  showState({ busy: true, status: "Searching…" });
  const count = Number(byId("count").value);
  const from = byId("search-type").value;
  try {
    const response = await search(
      { query: wanted, k: count, fetch_k: count, search_type: from, filter: filter() },
      controller.signal,
    );
    if (pending === controller) show(response, from);
  } catch (error) {
    if (pending === controller) showState({ error: error.message });
  }
}

function show(response, from) {
  answer = response;
  active = null;
  const matched = new Set(response.matched_words);
  // As k is fetch_k, the reranked list has every candidate, with the scores of all stages.
  const unranked = response.passages.toSorted((a, b) => a.rank_before - b.rank_before);
  before.replaceChildren(...unranked.map((passage) => card(passage, "before", matched)));
  after.replaceChildren(...response.passages.map((passage) => card(passage, "after", matched)));
  byId("before-kind").textContent = indexed ? KINDS[from] : "the wiki's own search";
  byId("origin").textContent = `From ${response.origin}. ${response.note}`;
  showTimes(byId("times"), response.timings_ms);
  showState({});
  applyThreshold();
  if (document.activeElement === query) firstShown()?.focus({ preventScroll: true });
}

function firstShown() {
  return [...after.children].find((card) => !card.hidden);
}

function applyThreshold() {
  const least = cut();
  byId("threshold-value").textContent = readable(least);
  threshold.setAttribute("aria-valuetext", readable(least));
  columns.style.setProperty("--cut", place(least));
  if (!answer) return;
  const passing = new Set(
    answer.passages
      .filter(({ relevance_score }) => relevance_score === null || relevance_score >= least)
      .map((passage) => passage.id),
  );
  for (const card of before.children) card.classList.toggle("below", !passing.has(card.dataset.id));
  for (const card of after.children) card.hidden = !passing.has(card.dataset.id);
  showCount(passing.size, answer.passages.length);
  makeReachable();
  redraw();
}

function showCount(passing, all) {
  const count = `${passing} of ${all} pass`;
  byId("passing").textContent = count;
  // The note may say that the models cannot read the question; then the wiki may still answer it.
  const reason = answer.note || "The wiki does not answer.";
  byId("status").textContent = passing ? count : reason;
  byId("abstained").hidden = passing > 0 || Boolean(answer.note);
  const titles = answer.passages.map((passage) => passage.title || passage.id);
  byId("nearest").textContent = [...new Set(titles)].slice(0, 3).join(", ") || "nothing";
  const more = passing > 0 && passing < all;
  byId("held-back").textContent = more ? `${all - passing} more are below the threshold.` : "";
}

// The Tab key stops once in each list; j, k and the arrow keys move inside it.
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
  drawLinks(byId("links"), before, after, active);
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
    byId("search-type").hidden = !indexed;
    byId("own-search").hidden = indexed;
    const chosen = byId("filter-key").value;
    const keys = info.filter_keys.map((key) => element("option", "", key));
    byId("filter-key").replaceChildren(byId("filter-key").options[0], ...keys);
    byId("filter-key").value = chosen;
    showFilter();
    const number = new Intl.NumberFormat("en");
    const [passages, articles] = [info.passages, info.articles].map(number.format);
    const content = indexed ? `${passages} passages of ${articles} articles` : "by its own search";
    byId("index-info").textContent = `${info.name}: ${content}`;
    const vectors = indexed ? `Vectors: ${info.embedder}. ` : "";
    byId("index-info").title = `${vectors}Reranked by ${info.cross_encoder}.`;
    byId("examples").replaceChildren(...info.example_queries.map(example));
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
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  for (const id of ["search-type", "count"]) {
    byId(id).addEventListener("change", () => answer && ask());
  }
  byId("filter-key").addEventListener("change", () => {
    showFilter();
    if (answer && (filterValue() || !byId("filter-key").value)) ask();
  });
  byId("filter-value").addEventListener("change", () => answer && ask());
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
  byId("keys-button").addEventListener("click", () => byId("keys").showModal());
  for (const button of document.querySelectorAll(".switch button")) {
    button.addEventListener("click", () => showList(button.dataset.show));
  }
  const resized = new ResizeObserver(redraw);
  for (const list of [columns, before, after]) resized.observe(list);
  addEventListener("popstate", start);
  const showing = () => columns.dataset.show;
  listenToKeys({ query, threshold, before, after, keys: byId("keys"), show: showList, showing });
}

function start() {
  readAddress();
  applyThreshold();
  if (query.value) return ask({ remember: false });
  pending?.abort();
  pending = answer = null;
  document.title = "wikirank";
  showState({});
}

threshold.max = STOPS.length - 1;
for (const value of [0, 0.01, 0.1, 0.5, 0.9, 0.99]) {
  const tick = element("span", "", String(value));
  tick.style.setProperty("--at", nearestStop(value) / (STOPS.length - 1));
  byId("scale").append(tick);
}
listen();
start();
showInfo();
