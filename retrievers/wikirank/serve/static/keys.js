// Keyboard: to the question, between passages, and to the same passage in the other list.
const NARROW = matchMedia("(max-width: 700px)");

function typing(target) {
  return target.matches("input, select, textarea");
}

function shownCards(list) {
  return [...list.children].filter((card) => !card.hidden);
}

// `page` has the elements and functions of the page, see page.js.
export function listenToKeys(page) {
  const { query, threshold, keys, before, after } = page;

  function step(by) {
    const current = document.activeElement.closest(".card");
    const list = current?.parentElement ?? (page.showing() === "before" ? before : after);
    const cards = shownCards(list);
    const at = current ? cards.indexOf(current) + by : 0;
    cards[Math.min(cards.length - 1, Math.max(0, at))]?.focus();
  }

  function toTwin(list) {
    const id = document.activeElement.closest(".card")?.dataset.id;
    const twin = shownCards(list).find((card) => card.dataset.id === id);
    if (!twin) return;
    if (NARROW.matches) page.show(list.id);
    twin.focus();
  }

  const actions = {
    "/": () => query.select(),
    "?": () => keys.showModal(),
    t: () => threshold.focus(),
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    h: () => toTwin(before),
    ArrowLeft: () => toTwin(before),
    l: () => toTwin(after),
    ArrowRight: () => toTwin(after),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    const { target, key } = event;
    if (target.matches(".card") && key === "Enter") {
      target.querySelector("a.title")?.click();
      return;
    }
    const leavesQuery = target === query && key === "ArrowDown";
    const leavesSlider = target === threshold && !key.startsWith("Arrow");
    if (typing(target) && !leavesQuery && !leavesSlider) return;
    if (!Object.hasOwn(actions, key)) return;
    if (key.startsWith("Arrow") && !leavesQuery && !target.closest(".card")) return;
    event.preventDefault();
    actions[key]();
  });
}
